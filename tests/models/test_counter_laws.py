"""Laws of social networks' counters on random readings: deltas, resets, gaps, changes of meaning, three rates and medians."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.compiled import LAW, Compiled

FIRST = date(2025, 11, 1)
REDEFINED = date(2025, 11, 15)  # Facebook: fans became follows, impressions became views of media
COUNTERS = ("impressions", "reach", "likes", "replies", "saves")
PLATFORMS = ("x", "facebook", "line")

counts = st.one_of(st.none(), st.integers(0, 1000))


class Post(NamedTuple):
    """One post and what was read of it, by its age in days."""

    platform: str
    posted: int
    readings: dict[int, dict[str, int | None]]


posts = st.lists(
    st.builds(
        Post,
        st.sampled_from(PLATFORMS),
        st.integers(0, 20),
        st.dictionaries(st.integers(0, 12), st.fixed_dictionaries(dict.fromkeys(COUNTERS, counts)), min_size=1, max_size=5),
    ),
    max_size=10,
)
accounts = st.dictionaries(
    st.tuples(st.sampled_from(PLATFORMS), st.integers(0, 30)),
    st.fixed_dictionaries(
        {
            "followers": st.one_of(st.none(), st.integers(500, 900)),
            "blocks": st.integers(0, 400),
            "reach": counts,
            "impressions": counts,
        }
    ),
    max_size=15,
)


@pytest.fixture(scope="module")
def models(target: Path) -> Compiled:
    return Compiled(target, ("rpt_sns_account_days", "rpt_sns_posts"))


def landing(read: list[Post], days: dict[tuple[str, int], Any]) -> dict[str, list[dict[str, Any]]]:
    post_rows = [
        {
            "connection": post.platform,
            "post_id": f"p{number}",
            "account_id": "ours",
            "platform": post.platform,
            "posted_at": datetime.combine(_day(post.posted), time(3), UTC),
            "business_date": _day(post.posted),
            "day": _day(post.posted + age),
            **counters,
        }
        for number, post in enumerate(read)
        for age, counters in post.readings.items()
    ]
    account_rows = [
        {"connection": platform, "account_id": "ours", "platform": platform, "day": _day(n), "business_date": _day(n), **counters}
        for (platform, n), counters in days.items()
    ]
    return {"sns.posts": post_rows, "sns.accounts": account_rows}


def _day(n: int) -> date:
    return FIRST + timedelta(days=n)


def _meaning(platform: str, counter: str, day: date) -> bool:
    """Which of two meanings a counter has on a day."""
    return platform == "facebook" and counter in ("impressions", "followers") and day >= REDEFINED


def deltas(post: Post, counter: str) -> dict[date, int | None]:
    """What came to a counter by day of reading."""
    came: dict[date, int | None] = {}
    before: tuple[date, int] | None = None
    for place, age in enumerate(sorted(post.readings)):
        day, value = _day(post.posted + age), post.readings[age][counter]
        is_followed = place > 0 or age <= 1
        is_same = before is None or _meaning(post.platform, counter, before[0]) == _meaning(post.platform, counter, day)
        if value is None or not is_followed or not is_same:
            came[day] = None
        else:
            came[day] = value if before is None or value < before[1] else value - before[1]
        if value is not None:
            before = day, value
    return came


@LAW
@given(read=posts, days=accounts)
def test_what_came_each_day_is_told_apart_from_resets_gaps_and_new_meanings(
    models: Compiled, read: list[Post], days: dict[tuple[str, int], Any]
) -> None:
    warehouse = models.build(landing(read, days))
    assert models.failures(warehouse) == {}
    rows = warehouse.sql(
        f"select post_id, day, {', '.join(f'{name}_delta' for name in COUNTERS)} from fct_sns_post_days"
    ).fetchall()
    expected = {
        (f"p{n}", day): [deltas(post, c)[day] for c in COUNTERS] for n, post in enumerate(read) for day in deltas(post, "likes")
    }
    assert {row[:2]: list(row[2:]) for row in rows} == expected


@LAW
@given(read=posts, days=accounts)
def test_three_rates_have_three_denominators_and_blocks_are_no_followers(
    models: Compiled, read: list[Post], days: dict[tuple[str, int], Any]
) -> None:
    warehouse = models.build(landing(read, days))
    rows = warehouse.sql("""select platform, day, followers, net_adds, engagements, engagement_rate_by_reach,
        engagement_rate_by_impressions, engagement_rate_by_followers from rpt_sns_account_days""").fetchall()
    before: dict[str, tuple[date, int]] = {}
    for platform, day, followers, net_adds, engagements, *rates in sorted(rows, key=lambda row: row[:2]):
        known = days.get((platform, (day - FIRST).days), dict.fromkeys(("followers", "blocks", "reach", "impressions")))
        own = known["followers"]
        if platform == "line" and own is not None:
            own -= known["blocks"]
        assert followers == own
        last = before.get(platform)
        is_compared = (
            own is not None and last and _meaning(platform, "followers", last[0]) == _meaning(platform, "followers", day)
        )
        assert net_adds == (own - last[1] if is_compared else None)
        came = [deltas(post, c).get(day) for post in read if post.platform == platform for c in ("likes", "replies", "saves")]
        given_ = [value for value in came if value is not None]
        assert engagements == (sum(given_) if given_ else None)
        for found, denominator in zip(rates, (known["reach"], known["impressions"], own), strict=True):
            assert found == (pytest.approx(engagements / denominator) if given_ and denominator else None)
        if own is not None:
            before[platform] = day, own


@LAW
@given(read=posts)
def test_a_post_is_held_against_the_median_of_its_account_at_the_same_age(models: Compiled, read: list[Post]) -> None:
    warehouse = models.build(landing(read, {}))
    rows = warehouse.sql("select post_id, ratio_to_median_day_1, ratio_to_median_day_7 from rpt_sns_posts").fetchall()
    for place, age in enumerate((1, 7), start=1):
        counted: dict[str, dict[str, int]] = {platform: {} for platform in PLATFORMS}
        for number, post in enumerate(read):
            reading = next((post.readings[a] for a in (age, age + 1) if a in post.readings), None)
            parts = [reading[c] for c in ("likes", "replies", "saves") if reading[c] is not None] if reading else []
            if parts:
                counted[post.platform][f"p{number}"] = sum(parts)
        for row in rows:
            of_account = counted[read[int(row[0][1:])].platform]
            middle = median(of_account.values()) if len(of_account) >= 5 else 0
            assert row[place] == (pytest.approx(of_account[row[0]] / middle) if row[0] in of_account and middle else None)
