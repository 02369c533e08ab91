"""YouTube beyond what the conformance suite asks of every kind: hidden numbers, the quota, and videos that do not count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.base import NIGHT, Reply, Request
from vendors.youtube import CHANNEL, YouTubeVideos, error

from pipelines.sources.sns.youtube import YouTube


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Night]:
    with night(YouTubeVideos, tmp_path / "home") as made:
        yield made


@pytest.mark.parametrize(
    ("subscribers", "followers"),
    [
        ({"subscriberCount": "2050000", "hiddenSubscriberCount": False}, 2_050_000),
        ({"subscriberCount": "0", "hiddenSubscriberCount": True}, None),
        ({"hiddenSubscriberCount": True}, None),
    ],
)
def test_a_hidden_number_of_subscribers_is_not_zero(ours: Night, subscribers: dict[str, Any], followers: int | None) -> None:
    ours.vendor.subscribers = subscribers  # type: ignore[attr-defined]
    ours.seed(NOON)
    assert ours.land().error is None
    (account,) = ours.rows("accounts")
    told = (account["account_id"], account["platform"], account["day"], account["followers"], account["posts_total"])
    assert told == (CHANNEL, "youtube", DAY, followers, 1)


def test_hidden_likes_and_comments_are_not_zero(ours: Night) -> None:
    ours.seed(NOON, NOON)
    ours.vendor.records[1]["statistics"] = {"viewCount": "0"}
    assert ours.land().error is None
    counted = [[row[name] for name in ("views", "likes", "replies", "impressions")] for row in ours.rows("posts")]
    assert counted == [[1000, 12, 3, None], [0, None, None, None]]


def test_what_is_private_announced_or_old_is_left_out(ours: Night) -> None:
    ours.seed(NOON, NOON, NOON, NIGHT - timedelta(days=366), NOON)
    ours.vendor.records[1]["_private"] = True
    ours.vendor.records[2]["snippet"]["liveBroadcastContent"] = "upcoming"
    ours.vendor.records[4]["liveStreamingDetails"] = {"actualStartTime": "2026-11-26T03:00:00Z"}
    assert ours.land().error is None
    assert [(row["post_id"], row["post_type"]) for row in ours.rows("posts")] == [
        ("video-00001", "video"),
        ("video-00005", "live"),
    ]


def test_a_page_of_videos_that_are_all_old_asks_for_none(ours: Night) -> None:
    ours.seed(NIGHT - timedelta(days=400))
    assert ours.land().error is None
    assert [request.path for request in ours.vendor.requests] == ["/token", "/channels", "/playlistItems"]


def test_a_used_up_quota_is_named(ours: Night) -> None:
    def spent(request: Request) -> Reply | None:
        message = 'The request cannot be completed because you have exceeded your <a href="/youtube/v3/">quota</a>.'
        return Reply(error(403, "quotaExceeded", message), 403) if request.path == "/channels" else None

    ours.vendor.traps.append(spent)
    assert "begins anew at midnight Pacific time" in str(ours.land().error)


def test_a_missing_right_is_no_quota(ours: Night) -> None:
    refusal = Reply(error(403, "accessNotConfigured", "YouTube Data API v3 has not been used in this project"), 403)
    ours.vendor.traps.append(lambda request: refusal if request.path == "/channels" else None)
    assert "answered 403" in str(ours.land().error)


def test_an_api_key_goes_in_its_header(ours: Night) -> None:
    key = {"type": "header", "header": "X-Goog-Api-Key", "secret": "YOUTUBE_REFRESH_TOKEN"}
    ours.connection = ours.vendor.connection(ours.url, auth=key)
    ours.vendor.is_signed_in = (  # type: ignore[method-assign]
        lambda request: request.headers.get("x-goog-api-key") == ours.vendor.secrets["YOUTUBE_REFRESH_TOKEN"]
    )
    ours.seed(NOON)
    assert ours.land().error is None
    assert ours.keys() == ours.expected(1)


def test_an_unknown_channel_is_named(ours: Night) -> None:
    ours.connection = ours.connection.model_copy(update={"channel": "UC" + "a" * 22})
    assert "there is no channel UCaaa" in str(ours.land().error)


@pytest.mark.parametrize(("more", "why"), [({"channel": "@minamo"}, "channel"), ({"auth": None}, "auth is missing")])
def test_an_entry_that_cannot_work_is_refused(more: dict[str, Any], why: str) -> None:
    entry = {"name": "y", "kind": "youtube", "channel": CHANNEL, "auth": {"type": "query", "param": "key", "secret": "YT_KEY"}}
    with pytest.raises(ValueError, match=why):
        YouTube.model_validate({**entry, **more})
