"""Networks described by their entry alone: counters on the day they are read, mentions when they were written or replied to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from vendors.base import NIGHT, Reply
from vendors.pages import read
from vendors.scripted import Server

from pipelines.sources.connection import Person, Window
from pipelines.sources.live import reading_day
from pipelines.sources.sns.graphql import GraphqlNetwork
from pipelines.sources.sns.rest import RestNetwork

DAY = date(2026, 11, 26)


def network(streams: dict[str, Any], url: str = "https://social.example.com/", **options: Any) -> RestNetwork:
    entry = {"name": "net", "kind": "rest", "url": url, "platform": "mastodon", "account_id": "brand", "streams": streams}
    return RestNetwork.model_validate({**entry, **options})


PROFILE = {"path": "me", "records": "[@]", "table": "accounts", "columns": {"followers": "followers"}}
POSTS = {
    "path": "posts", "newest_first": True, "days_back": 30, "table": "posts",
    "columns": {"post_id": "id", "posted_at": "at", "likes": {"path": "likes", "optional": True}},
}  # fmt: skip
MENTIONS = {
    "path": "mentions", "table": "mentions",
    "columns": {"post_id": "id", "posted_at": "at", "author_pid": "who", "first_reply_at": "replied", "text": "text"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-26T17:00", DAY),  # 02:00 of the 27th in Tokyo
        ("2026-11-27T02:59", DAY),
        ("2026-11-27T03:00", date(2026, 11, 27)),  # noon
        ("2026-11-26T10:00", DAY),  # the evening of the day itself
    ],
)
def test_a_reading_up_to_noon_closes_the_day_before(moment: str, day: date) -> None:
    assert reading_day(datetime.fromisoformat(moment).replace(tzinfo=UTC), network({"me": PROFILE}).zone) == day


def test_counters_are_those_of_the_day_they_are_read_on_and_absent_is_not_zero() -> None:
    (row,) = read(network({"me": PROFILE}), {"followers": 120}, stream="me")["accounts"]
    assert (row["day"], row["change_date"], row["business_date"], row["followers"]) == (DAY, DAY, DAY, 120)
    assert (row["platform"], row["account_id"]) == ("mastodon", "brand")
    assert row["updated_at"] == datetime(2026, 11, 25, 15, tzinfo=UTC)
    first, second = read(
        network({"posts": POSTS}), {"id": 1, "at": "2026-11-20T00:00:00Z", "likes": 0}, {"id": 2, "at": "2026-11-20T00:00:00Z"},
        stream="posts",
    )["posts"]  # fmt: skip
    assert (first["likes"], second["likes"]) == (0, None)
    assert (first["day"], first["business_date"]) == (DAY, date(2026, 11, 20))


def test_a_mention_changes_when_we_reply_and_its_author_is_a_person() -> None:
    new = {"id": 1, "at": "2026-11-26T00:00:00Z", "who": "@Hanako", "replied": None, "text": "おいしい"}
    replied = {**new, "id": 2, "replied": "2026-11-27T00:00:00Z"}
    first, second = read(network({"mentions": MENTIONS}), new, replied, stream="mentions")["mentions"]
    assert first["author_pid"] == Person("social", "handle", "@Hanako", "mastodon")
    assert (first["updated_at"].day, second["updated_at"].day) == (26, 27)
    assert first["text_length"] == 4
    assert first["polarity"] is not None
    assert "text" not in first


def test_posts_are_read_as_far_back_as_told_and_only_when_they_can_be(server: Server) -> None:
    days = [1, 29, 33, 400]
    posts = [{"id": n, "at": f"{NIGHT - timedelta(days=n):%Y-%m-%dT%H:%M:%SZ}"} for n in days]
    server.replies(Reply(posts))
    connection = network({"posts": {**POSTS, "columns": {"post_id": "id", "posted_at": "at"}}}, server.url)
    (page,) = connection.pages(server.api_of(connection), Window(DAY, DAY))
    assert [post["id"] for post in page.records] == [1, 29]
    past = DAY - timedelta(days=3)
    assert list(connection.pages(server.api_of(connection), Window(past, past))) == []


@pytest.mark.parametrize(
    ("streams", "options", "why"),
    [
        ({"me": {**PROFILE, "table": "followers"}}, {}, "no table 'followers'"),
        ({"me": PROFILE}, {"account_id": None}, "say whose counters these are"),
        ({"posts": {**POSTS, "columns": {"post_id": "id"}}}, {}, "posted_at is missing"),
        ({"posts": {**POSTS, "rows": {"x": {"each": "y", "columns": {"z": "z"}}}}}, {}, "counters hold none"),
    ],
)
def test_a_stream_that_cannot_work_is_refused(streams: dict[str, Any], options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        network(streams, **options)


def test_a_graphql_network_reads_the_same_rows() -> None:
    stream = {"query": "{ me { followers } }", "records": "[me]", "table": "accounts", "columns": {"followers": "followers"}}
    connection = GraphqlNetwork.model_validate(
        {"name": "net", "kind": "graphql", "url": "https://social.example.com/graphql", "platform": "mastodon",
         "account_id": "brand", "streams": {"me": stream}}
    )  # fmt: skip
    assert read(connection, {"followers": 120}, stream="me") == read(network({"me": PROFILE}), {"followers": 120}, stream="me")
    assert connection.base == "https://social.example.com/graphql"
