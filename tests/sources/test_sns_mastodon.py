"""Mastodon beyond what the conformance suite asks of every kind: letters, replies, and names of servers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.base import NIGHT
from vendors.mastodon import MastodonMentions, MastodonPosts, notification, post

from pipelines.sources.sns.mastodon import Mastodon

ENTRY = {"name": "m", "kind": "mastodon", "handle": "brand@social.example.com", "secret": "MASTODON_TOKEN"}


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Night]:
    with night(MastodonPosts, tmp_path / "home") as made:
        yield made


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Night]:
    with night(MastodonMentions, tmp_path / "home") as made:
        yield made


def test_the_account_is_read_with_its_counters(ours: Night) -> None:
    ours.seed(NOON)
    ours.land()
    (account,) = ours.rows("accounts")
    told = [account[name] for name in ("account_id", "platform", "day", "followers", "following", "posts_total")]
    assert told == ["Brand@social.example.com", "mastodon", DAY, 7, 2, 1]


def test_letters_are_neither_posts_nor_mentions(ours: Night, talk: Night) -> None:
    ours.vendor.records = [post(1, NOON), post(2, NOON, visibility="direct"), post(3, NOON, visibility="private")]
    assert ours.land().error is None
    assert ours.keys() == ["1", "3"]
    letter = notification(2, NOON, status=post(2, NOON, visibility="direct"))
    talk.vendor.records = [notification(1, NOON), letter]
    assert talk.land().error is None
    assert talk.keys() == ["1"]


def test_posts_are_read_as_far_back_as_told(ours: Night) -> None:
    ours.seed(*(NIGHT - timedelta(days=days) for days in (1, 89, *range(91, 99))))
    assert ours.land().error is None
    asked = [request for request in ours.vendor.requests if request.path.endswith("statuses")]
    assert len(asked) == 2  # the first page with older ones alone is the last


def test_a_mention_lands_again_on_the_day_of_our_first_reply(talk: Night) -> None:
    talk.seed(NOON)
    assert talk.land().error is None
    replied = NOON + timedelta(days=1)
    later = post(91, replied + timedelta(hours=1), in_reply_to_id="1")
    talk.vendor.ours = [later, post(92, replied, in_reply_to_id="1")]  # type: ignore[attr-defined]
    talk.clock.time += timedelta(days=1)
    assert talk.land(DAY + timedelta(days=1), DAY + timedelta(days=1)).error is None
    landed = [(row["change_date"], row["business_date"], row["first_reply_at"]) for row in talk.rows("mentions")]
    assert landed == [(DAY, DAY, None), (DAY + timedelta(days=1), DAY, replied)]


def test_what_is_no_mention_is_left_out(talk: Night) -> None:
    follow = notification(2, NOON, type="follow")
    del follow["status"]
    like = notification(3, NOON, type="favourite")
    gone = notification(4, NOON, status=None)
    talk.vendor.records = [notification(1, NOON), follow, like, gone, notification(5, NOON, type="quote")]
    assert talk.land().error is None
    assert talk.keys() == ["1", "5"]


def test_a_mention_has_the_length_of_its_text_without_html_and_an_author_of_a_server(talk: Night) -> None:
    talk.vendor.records = [
        notification(1, NOON, acct="hanako"),
        notification(2, NOON, acct="hanako@social.example.com"),
        notification(3, NOON, acct="hanako@elsewhere.example.com"),
    ]
    assert talk.land().error is None
    first, second, third = sorted(talk.rows("mentions"), key=lambda row: str(row["post_id"]))
    assert first["text_length"] == len("花子です\nおいしい & うまい\nまた買います")
    assert first["author_followers"] == 12
    assert first["author_pid"] == second["author_pid"] != third["author_pid"]
    assert "花子" not in str(first)


@pytest.mark.parametrize(
    ("held", "kind"),
    [
        ({"media_attachments": [{"type": "gifv"}]}, "video"),
        ({"media_attachments": [{"type": "unknown"}], "poll": {"id": "1"}}, "other"),
        ({"poll": {"id": "1"}}, "poll"),
        ({"quote": {"state": "accepted"}, "card": {"url": "https://example.com"}}, "quote"),
        ({"in_reply_to_id": "5"}, "reply"),
        ({"card": {"url": "https://example.com"}}, "link"),
        ({}, "text"),
    ],
)
def test_the_form_of_a_post_is_that_of_what_it_holds(ours: Night, held: dict[str, Any], kind: str) -> None:
    ours.vendor.records = [post(1, NOON, **held)]
    ours.land()
    assert [row["post_type"] for row in ours.rows("posts")] == [kind]


def test_a_token_of_another_account_is_told(ours: Night) -> None:
    ours.connection = ours.connection.model_copy(update={"handle": "other@social.example.com"})
    assert "the access token belongs to another account than other@social.example.com" in str(ours.land().error)


def test_the_server_is_the_one_in_the_handle_unless_told_otherwise() -> None:
    assert Mastodon.model_validate(ENTRY).base == "https://social.example.com/"
    assert Mastodon.model_validate({**ENTRY, "url": "https://web.example.com"}).base == "https://web.example.com/"


@pytest.mark.parametrize("handle", ["brand", "@brand@social.example.com", "brand@localhost"])
def test_a_handle_names_account_and_server(handle: str) -> None:
    with pytest.raises(ValueError, match="handle"):
        Mastodon.model_validate({**ENTRY, "handle": handle})
