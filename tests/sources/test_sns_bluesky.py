"""Bluesky beyond what the conformance suite asks of every kind: replies, reposts, and posts that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.bluesky import US, BlueskyMentions, BlueskyPosts, post

from pipelines.sources.sns.bluesky import Bluesky


class Talk(BlueskyMentions):
    """Mentions, and what stands in our own feed."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: list[dict[str, Any]] = []

    def feed(self) -> list[dict[str, Any]]:
        return self.ours


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Night]:
    with night(Talk, tmp_path / "home") as made:
        yield made


def reply_to(mention: dict[str, Any], number: int, written: datetime) -> dict[str, Any]:
    """An item of our feed that answers the mention."""
    ours = post(US, number, written, likeCount=0, replyCount=0, repostCount=0)
    ours["record"]["reply"] = {"parent": {"uri": mention["uri"]}}
    return {"post": ours}


def test_a_mention_lands_again_on_the_day_of_our_first_reply(talk: Night) -> None:
    talk.seed(NOON)
    assert talk.land().error is None
    (before,) = talk.rows("mentions")
    assert (before["first_reply_at"], before["likes"], before["text_length"]) == (None, 5, len("花子です、おいしいです"))
    replied = NOON + timedelta(days=1)
    (mention,) = talk.vendor.records
    talk.vendor.ours = [reply_to(mention, 91, replied + timedelta(hours=1)), reply_to(mention, 92, replied)]
    talk.clock.time += timedelta(days=1)
    assert talk.land(DAY + timedelta(days=1), DAY + timedelta(days=1)).error is None
    landed = [(row["change_date"], row["business_date"], row["first_reply_at"]) for row in talk.rows("mentions")]
    assert landed == [(DAY, DAY, None), (DAY + timedelta(days=1), DAY, replied)]


def test_a_reply_of_an_old_mention_is_looked_for_reply_days_back(tmp_path: Path) -> None:
    with night(Talk, tmp_path / "home") as old:
        old.connection = old.connection.model_copy(update={"reply_days": 1})
        old.seed(NOON - timedelta(days=5), *[NOON - timedelta(days=5, minutes=number) for number in range(1, 8)])
        old.vendor.ours = [reply_to(old.vendor.records[0], 91, NOON)]
        assert old.land().error is None
        # Of eight notifications the three of the first page were enough to see that all are too old.
        assert len([request for request in old.vendor.requests if request.path.endswith("listNotifications")]) == 1


def test_what_we_repost_is_not_ours(tmp_path: Path) -> None:
    class Feed(BlueskyPosts):
        def feed(self) -> list[dict[str, Any]]:
            reposted = {"post": self.records[0], "reason": {"$type": "app.bsky.feed.defs#reasonRepost"}}
            theirs = {"post": post("did:plc:hanako", 99, NOON, likeCount=1, replyCount=1, repostCount=1)}
            return [*super().feed(), reposted, theirs]

    with night(Feed, tmp_path / "home") as ours:
        ours.seed(NOON, NOON)
        assert ours.land().error is None
        assert ours.keys() == ["1", "2"]


def test_the_account_is_read_with_its_counters(tmp_path: Path) -> None:
    with night(BlueskyPosts, tmp_path / "home") as ours:
        ours.seed(NOON)
        ours.land()
        (account,) = ours.rows("accounts")
        told = (account["account_id"], account["day"], account["followers"], account["following"], account["posts_total"])
        assert told == ("brand.test", DAY, 7, 2, 1)


def test_a_mention_of_a_post_that_is_gone_has_no_counters(talk: Night) -> None:
    talk.vendor.records.append(post("did:plc:hanako1", 1, NOON, reason="quote"))
    gone = post("did:plc:hanako2", 2, NOON, reason="reply")
    talk.vendor.notifications = lambda: [*talk.vendor.records, gone]
    assert talk.land().error is None
    assert {row["post_id"]: row["likes"] for row in talk.rows("mentions")} == {"1": 5, "2": None}


def test_what_names_a_person_does_not_land(talk: Night) -> None:
    talk.seed(NOON)
    talk.land()
    (row,) = talk.rows("mentions")
    assert "did:" not in str(row)
    assert len(row["author_pid"]) == 32


@pytest.mark.parametrize(
    ("embed", "kind"),
    [("images", "image"), ("video", "video"), ("external", "link"), ("recordWithMedia", "quote"), (None, "text")],
)
def test_the_form_of_a_post_is_that_of_what_it_embeds(tmp_path: Path, embed: str | None, kind: str) -> None:
    with night(BlueskyPosts, tmp_path / "home") as ours:
        ours.seed(NOON)
        if embed:
            ours.vendor.records[0]["record"]["embed"] = {"$type": f"app.bsky.embed.{embed}"}
        ours.land()
        assert [row["post_type"] for row in ours.rows("posts")] == [kind]


def test_a_handle_is_a_domain() -> None:
    with pytest.raises(ValueError, match="handle"):
        Bluesky.model_validate({"name": "b", "kind": "bluesky", "handle": "@brand", "secret": "BLUESKY_APP_PASSWORD"})
