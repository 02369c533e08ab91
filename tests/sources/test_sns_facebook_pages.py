"""Facebook pages beyond what the conformance suite asks of every kind: the names of 2025-11-15, and what is not told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.base import NIGHT
from vendors.meta import ACCOUNT, FacebookPosts, failure

from pipelines.sources.sns.facebook_pages import FacebookPages


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Night]:
    with night(FacebookPosts, tmp_path / "home") as made:
        yield made


def test_the_page_is_read_with_those_who_follow_it(ours: Night) -> None:
    assert ours.land().error is None
    (account,) = ours.rows("accounts")
    told = [account[name] for name in ("account_id", "platform", "day", "followers", "posts_total", "impressions")]
    assert told == [ACCOUNT, "facebook", DAY, 70, None, None]


def test_media_views_land_as_impressions_and_what_is_not_told_is_not_zero(ours: Night) -> None:
    ours.seed(NOON, NOON - timedelta(hours=1))
    small = ours.vendor.records[1]
    del small["shares"], small["attachments"]
    small["insights"] = {"data": []}
    assert ours.land().error is None
    names = ("post_type", "impressions", "reach", "clicks", "likes", "replies", "reposts")
    assert [[row[name] for name in names] for row in sorted(ours.rows("posts"), key=lambda row: str(row["post_id"]))] == [
        ["image", 80, 50, 0, 1, 3, 2],
        ["text", None, None, None, 2, 3, None],
    ]
    del small["insights"]
    assert ours.land().error is None


def test_posts_are_read_as_far_back_as_told(ours: Night) -> None:
    ours.seed(*(NIGHT - timedelta(days=days) for days in (1, 89, *range(91, 99))))
    assert ours.land().error is None
    assert ours.keys() == ours.expected(1, 2)
    asked = [request for request in ours.vendor.requests if request.path.endswith("published_posts")]
    assert len(asked) == 2  # the first page with older ones alone is the last


@pytest.mark.parametrize(
    ("media", "kind"), [("album", "carousel"), ("video", "video"), ("share", "link"), ("event", "event"), ("life_event", "other")]
)
def test_the_form_of_a_post_is_that_of_what_it_holds(ours: Night, media: str, kind: str) -> None:
    ours.seed(NOON)
    ours.vendor.records[0]["attachments"]["data"][0]["media_type"] = media
    ours.land()
    assert [row["post_type"] for row in ours.rows("posts")] == [kind]


def test_a_missing_right_is_told_with_its_code(ours: Night) -> None:
    refusal = failure(10, "(#10) This endpoint requires the 'pages_read_engagement' permission")
    ours.vendor.traps.append(lambda request: refusal if request.path.endswith("published_posts") else None)
    error = str(ours.land().error)
    assert "pages_read_engagement" in error
    assert "code 10" in error


@pytest.mark.parametrize("more", [{"account_id": "minamo"}, {"secret": "EAAG-the-token-itself"}])
def test_an_entry_that_cannot_work_is_refused(more: dict[str, Any]) -> None:
    entry = {"name": "f", "kind": "facebook_pages", "account_id": "100000000000001", "secret": "FACEBOOK_PAGE_TOKEN"}
    with pytest.raises(ValueError, match=next(iter(more))):
        FacebookPages.model_validate({**entry, **more})
