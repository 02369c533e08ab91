"""X beyond what the conformance suite asks of every kind: private counters, what is missing, replies, and one's own posts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, night
from vendors.base import NIGHT
from vendors.x import US, XMentions, XPosts, post

from pipelines.sources.sns.x import X


def test_private_counters_are_those_of_the_last_30_days_and_older_posts_keep_their_public_ones(tmp_path: Path) -> None:
    with night(XPosts, tmp_path / "home") as ours:
        ours.connection = ours.connection.model_copy(update={"post_days": 60})
        ours.seed(*(NIGHT - timedelta(days=days) for days in (1, 29, 31, 59, 61)))
        assert ours.land().error is None
        counted = {row["post_id"]: (row["impressions"], row["clicks"], row["likes"]) for row in ours.rows("posts")}
        assert counted == {"1": (70, 3, 1), "2": (70, 3, 2), "3": (None, None, 3), "4": (None, None, 4)}


def test_the_app_alone_sees_public_counters(tmp_path: Path) -> None:
    with night(XMentions, tmp_path / "home") as ours:
        counted = {"retweet_count": 1, "reply_count": 2, "like_count": 3, "quote_count": 4, "impression_count": 0}
        ours.vendor.ours = [post(US, 1, NOON, public_metrics=counted), post(US, 2, NOON)]
        assert ours.land().error is None
        first, second = sorted(ours.rows("posts"), key=lambda row: str(row["post_id"]))
        names = ("impressions", "clicks", "reposts", "saves")
        # Nobody saw it is not the same as not told.
        assert [first[name] for name in names] == [0, None, 1, None]
        assert [second[name] for name in names] == [None, None, 1, 2]
        assert all("non_public" not in request.query.get("tweet.fields", "") for request in ours.vendor.requests)


def test_the_account_is_read_with_its_counters(tmp_path: Path) -> None:
    with night(XPosts, tmp_path / "home") as ours:
        ours.land()
        (account,) = ours.rows("accounts")
        told = (account["account_id"], account["day"], account["followers"], account["following"], account["posts_total"])
        assert told == ("brand", DAY, 7, 2, 9)


def test_a_token_of_another_account_is_told(tmp_path: Path) -> None:
    with night(XPosts, tmp_path / "home") as ours:
        ours.seed(NOON)
        ours.connection = ours.connection.model_copy(update={"handle": "minamo"})
        assert "the refresh token belongs to another account than minamo" in str(ours.land().error)
        ours.connection = ours.connection.model_copy(update={"handle": "Brand"})
        assert ours.land().error is None


def test_a_mention_lands_again_on_the_day_of_our_first_reply(tmp_path: Path) -> None:
    with night(XMentions, tmp_path / "home") as talk:
        talk.seed(NOON)
        assert talk.land().error is None
        replied = NOON + timedelta(days=1)
        answer = {"referenced_tweets": [{"type": "replied_to", "id": "1"}]}
        talk.vendor.ours = [post(US, 91, replied + timedelta(hours=1), **answer), post(US, 92, replied, **answer)]
        talk.clock.time += timedelta(days=1)
        assert talk.land(DAY + timedelta(days=1), DAY + timedelta(days=1)).error is None
        landed = [(row["change_date"], row["business_date"], row["first_reply_at"]) for row in talk.rows("mentions")]
        assert landed == [(DAY, DAY, None), (DAY + timedelta(days=1), DAY, replied)]


def test_a_mention_has_its_whole_text_and_its_author_as_a_pseudonym_and_is_never_ours(tmp_path: Path) -> None:
    with night(XMentions, tmp_path / "home") as talk:
        long = post("hanako1", 1, NOON, note_tweet={"text": "あ" * 300})
        talk.vendor.records = [long, post(US, 2, NOON)]
        assert talk.land().error is None
        (mention,) = talk.rows("mentions")
        assert (mention["text_length"], mention["author_followers"], len(mention["author_pid"])) == (300, 12, 32)


@pytest.mark.parametrize(
    ("media", "related", "kind", "views"),
    [
        (None, None, "text", None),
        (None, "quoted", "quote", None),
        (None, "replied_to", "reply", None),
        ({"type": "photo"}, "replied_to", "image", None),
        ({"type": "video", "public_metrics": {"view_count": 12}}, None, "video", 12),
    ],
)
def test_the_form_of_a_post_is_that_of_what_it_holds(
    tmp_path: Path, media: dict[str, Any] | None, related: str | None, kind: str, views: int | None
) -> None:
    with night(XPosts, tmp_path / "home") as ours:
        ours.seed(NOON)
        (one,) = ours.vendor.records
        if related:
            one["referenced_tweets"] = [{"type": related, "id": "5"}]
        if media:
            one["attachments"] = {"media_keys": ["3_1"]}
            ours.vendor.media = [{"media_key": "3_1", **media}]
        assert ours.land().error is None
        assert [(row["post_type"], row["views"]) for row in ours.rows("posts")] == [(kind, views)]


@pytest.mark.parametrize("more", [{"handle": "@brand"}, {"auth": {"type": "basic", "user": "a", "secret": "X_TOKEN"}}])
def test_an_entry_that_cannot_work_is_refused(more: dict[str, Any]) -> None:
    entry = {"name": "x", "kind": "x", "handle": "brand", "auth": {"type": "bearer", "secret": "X_TOKEN"}}
    with pytest.raises(ValueError, match=next(iter(more))):
        X.model_validate({**entry, **more})
