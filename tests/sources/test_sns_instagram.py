"""Instagram beyond what the conformance suite asks of every kind: stories, empty sets, and errors that are codes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.base import NIGHT, Reply
from vendors.meta import ACCOUNT, InstagramMedia, failure

from pipelines.sources.sns.instagram import Instagram
from pipelines.sources.sns.meta import insights

NUMBERS = ("impressions", "reach", "saves", "reposts", "likes", "replies")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Night]:
    with night(InstagramMedia, tmp_path / "home") as made:
        yield made


def numbers(ours: Night) -> dict[str, list[Any]]:
    return {str(row["post_id"]): [row[name] for name in NUMBERS] for row in ours.rows("posts")}


def test_views_land_as_impressions_and_an_empty_set_is_not_zero(ours: Night) -> None:
    ours.seed(NOON, NOON)
    ours.vendor.told = {"2": {"reach": 0}}  # type: ignore[attr-defined]
    assert ours.land().error is None
    assert numbers(ours) == {"1": [8, 5, 0, 1, 1, 2], "2": [None, 0, None, None, 2, 2]}


def test_the_account_is_read_with_its_counters_of_the_day(ours: Night) -> None:
    del ours.vendor.account_told["views"]  # type: ignore[attr-defined]
    assert ours.land().error is None
    (account,) = ours.rows("accounts")
    told = [account[name] for name in ("account_id", "day", "followers", "following", "posts_total", "reach", "impressions")]
    assert told == [ACCOUNT, DAY, 70, 3, 0, 50, None]
    asked = next(request.query for request in ours.vendor.requests if request.path == f"/{ACCOUNT}/insights")
    # The 26th in Tokyo.
    assert (int(asked["since"]), int(asked["until"])) == (1_795_618_800, 1_795_618_800 + 86_400)


def test_stories_are_read_before_they_vanish_and_keep_what_was_seen(ours: Night) -> None:
    story = ours.vendor.record(7, NOON) | {"media_product_type": "STORY", "like_count": 4}
    ours.vendor.stories = [story]  # type: ignore[attr-defined]
    assert ours.land().error is None
    assert [(row["post_type"], row["impressions"], row["saves"]) for row in ours.rows("posts")] == [("story", 8, None)]
    ours.vendor.stories = []  # type: ignore[attr-defined]
    ours.clock.time += timedelta(days=1)
    assert ours.land(DAY + timedelta(days=1), DAY + timedelta(days=1)).error is None
    assert ours.keys() == ["7"]


@pytest.mark.parametrize(
    "reply",
    [
        failure(10, "(#10) Not enough viewers for the media to show insights"),
        failure(100, "Invalid parameter: the media was posted before the conversion to a business account", 2108006),
        Reply({"data": []}),
    ],
)
def test_a_post_of_which_nothing_is_told_keeps_what_its_list_shows(ours: Night, reply: Reply) -> None:
    ours.seed(NOON)
    ours.vendor.told = {"1": reply}  # type: ignore[attr-defined]
    assert ours.land().error is None
    assert numbers(ours) == {"1": [None, None, None, None, 1, 2]}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (failure(10, "(#10) Application does not have permission for this action"), "code 10"),
        (failure(100, "(#100) The metric is not supported"), "code 100"),
        (failure(190, "Session has expired", 463), "the access token has ended"),
    ],
)
def test_any_other_refusal_ends_the_pull(ours: Night, reply: Reply, why: str) -> None:
    ours.seed(NOON)
    ours.vendor.told = {"1": reply}  # type: ignore[attr-defined]
    assert why in str(ours.land().error)
    assert ours.rows("posts") == []


def test_a_limit_lasts_as_many_minutes_as_its_header_says(ours: Night) -> None:
    refusals = [ours.vendor.throttle()]
    ours.vendor.traps.append(lambda _: refusals.pop() if refusals else None)
    assert ours.land().error is None
    assert sum(ours.clock.slept) == pytest.approx(120, abs=1)


@pytest.mark.parametrize("told", ["", "no json", "{}", '{"1": [{"type": "instagram"}]}', "[1]"])
def test_a_limit_without_a_word_of_how_long_is_tried_again(ours: Night, told: str) -> None:
    refusals = [failure(4, "Application request limit reached")._replace(headers={"X-Business-Use-Case-Usage": told})]
    ours.vendor.traps.append(lambda _: refusals.pop() if refusals else None)
    assert ours.land().error is None


def test_a_moments_trouble_is_tried_again(ours: Night) -> None:
    troubles = [failure(2, "An unexpected error has occurred. Please retry your request later.")]
    ours.vendor.traps.append(lambda _: troubles.pop() if troubles else None)
    assert ours.land().error is None


def test_posts_older_than_post_days_are_not_asked_about(ours: Night) -> None:
    ours.seed(NOON, NIGHT - timedelta(days=91))
    assert ours.land().error is None
    assert ours.keys() == ["1"]
    assert not [request for request in ours.vendor.requests if request.path == "/2/insights"]


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ({"media_product_type": "REELS", "media_type": "VIDEO"}, "reel"),
        ({"media_type": "CAROUSEL_ALBUM"}, "carousel"),
        ({"media_type": "VIDEO"}, "video"),
        ({}, "image"),
    ],
)
def test_the_form_of_a_post(ours: Night, media: dict[str, str], kind: str) -> None:
    ours.seed(NOON)
    ours.vendor.records[0] |= media
    ours.land()
    assert [row["post_type"] for row in ours.rows("posts")] == [kind]


def test_insights_are_read_in_both_spellings() -> None:
    assert insights([{"name": "reach", "values": [{"value": 5}]}, {"name": "views", "total_value": {"value": 0}}]) == {
        "reach": 5,
        "views": 0,
    }
    assert insights([{"name": "reach", "values": []}, {"name": "views"}, {"name": "saved", "total_value": {}}]) == {}


def test_an_account_is_its_number() -> None:
    with pytest.raises(ValueError, match="account_id"):
        Instagram.model_validate({"name": "i", "kind": "instagram", "account_id": "minamo", "secret": "META_TOKEN"})
