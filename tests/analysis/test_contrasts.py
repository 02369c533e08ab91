"""The most against the least engaged units, on rows that can be checked by head, and how often the intervals hold."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analysis.contrasts import COLUMNS, engagement_contrasts, mean_contrast, poisson_limits, quartiles, rate_contrast

LEAST = {"least_units": 3, "least_people": 20, "least_group": 5, "uniform_group": 10}


def wave(name: str, *units: dict[str, Any], start: date = date(2025, 1, 1), end: date = date(2025, 12, 31)) -> pd.DataFrame:
    """Units u01, u02, ... of one wave, the least engaged first, of 10 people and person-years and without leavers if not said."""
    usual = {
        "wave": name, "horizon_months": 12, "ranking_level": "smallest_unit", "people": 10, "person_years": 10.0, "leavers": 0,
        "voluntary_leavers": 0, "operating_margin": np.nan, "is_complete": True, "window_start": start, "window_end": end,
    }  # fmt: skip
    return pd.DataFrame(
        [usual | {"org_unit": f"u{place:02d}", "engagement_index": 50.0 + place} | unit for place, unit in enumerate(units)]
    )


def row(found: pd.DataFrame, outcome: str = "turnover", of: str = "w1") -> dict[str, Any]:
    chosen = found[(found["outcome"] == outcome) & (found["wave"] == of)]
    assert len(chosen) == 1
    return dict(chosen.iloc[0])


def left(leavers: int, own_will: int = 0) -> dict[str, int]:
    return {"leavers": leavers, "voluntary_leavers": own_will}


STEADY = {"leavers": 5}


def test_the_least_engaged_quarter_loses_six_times_as_many() -> None:
    units = wave("w1", left(6, 5), left(6, 5), left(6, 3), *([STEADY] * 6), left(1, 1), left(1, 0), left(1, 1))
    found = row(engagement_contrasts(units, **LEAST))
    assert (found["units_ranked"], found["most_engaged_units"], found["least_engaged_people"]) == (12, 3, 30)
    # Three left the most engaged: told as 0 to 4, counted as 2.
    assert (found["most_engaged_value"], found["least_engaged_value"]) == pytest.approx((2 / 30, 0.6))
    assert (found["difference"], found["ratio"]) == pytest.approx((2 / 30 - 0.6, 1 / 9))
    # At most 4 of 22 events with equal exposure: Clopper-Pearson up to 0.4028 of all, as odds 0.6745; at least none of them.
    assert (found["ratio_ci_low"], found["ratio_ci_high"]) == pytest.approx((0, 0.6745), abs=5e-4)


def test_nothing_shown_tells_how_many_of_the_few_left() -> None:
    shown = ["most_engaged_value", *(f"{name}{end}" for name in ("difference", "ratio") for end in ("", "_ci_low", "_ci_high"))]
    rows = []
    for few in range(5):
        units = wave("w1", left(6), left(8), left(7), *([STEADY] * 6), left(few), left(0), left(0))
        rows.append([row(engagement_contrasts(units, **LEAST))[name] for name in shown])
    assert all(one == rows[0] for one in rows)


def test_five_leavers_are_told() -> None:
    units = wave("w1", left(6), left(8), left(7), *([STEADY] * 6), left(5), left(0), left(0))
    assert row(engagement_contrasts(units, **LEAST))["most_engaged_value"] == pytest.approx(5 / 30)


def test_a_wave_whose_window_is_open_has_no_figures_and_no_part_in_all() -> None:
    closed = wave("w1", *([STEADY] * 12), end=date(2025, 6, 30))
    opened = wave("w2", *([left(9)] * 12), start=date(2025, 7, 1)).assign(is_complete=False)
    found = engagement_contrasts(pd.concat([closed, opened]), **LEAST)
    assert row(found, of="w2")["why_hidden"] == "horizon_open"
    assert row(found, of="all")["most_engaged_value"] == row(found, of="w1")["most_engaged_value"] == 0.5


def test_waves_whose_windows_overlap_count_a_leaver_once() -> None:
    first, second = wave("w1", *([STEADY] * 12)), wave("w2", *([STEADY] * 12), start=date(2025, 4, 1))
    found = row(engagement_contrasts(pd.concat([first, second]), **LEAST), of="all")
    assert (found["units_ranked"], found["most_engaged_people"]) == (12, 30)


@pytest.mark.parametrize(
    ("units", "why"),
    [
        ([STEADY] * 11, "few_units"),
        ([STEADY] * 3, "few_units"),
        ([STEADY | {"people": 6}] * 12, "few_people"),
    ],
)
def test_a_small_quartile_is_not_shown(units: list[dict[str, Any]], why: str) -> None:
    found = row(engagement_contrasts(wave("w1", *units), **LEAST))
    assert found["why_hidden"] == why
    assert np.isnan([found[name] for name in ("most_engaged_value", "difference", "ratio_ci_high")]).all()


@pytest.mark.parametrize(
    ("most", "why"),
    [([left(1), left(1), left(2, 1)], "few_leavers"), ([left(2, 2)] * 3, "uniform"), ([left(2, 1)] * 3, None)],
)
def test_of_few_leavers_it_is_not_told_how_many_left_of_their_own_will(most: list[dict[str, int]], why: str | None) -> None:
    units = wave("w1", *([left(6, 3)] * 9), *most)
    found = engagement_contrasts(units, **LEAST)
    assert pd.isna(row(found)["why_hidden"])
    told = row(found, "voluntary_turnover")["why_hidden"]
    assert (None if pd.isna(told) else told) == why


def test_units_that_scatter_more_than_chance_widen_the_interval() -> None:
    is_top = np.array([True] * 3 + [False] * 3)
    years = np.full(6, 10.0)
    even = rate_contrast(np.array([2.0, 2, 2, 6, 6, 6]), years, is_top)
    uneven = rate_contrast(np.array([0.0, 0, 6, 0, 0, 18]), years, is_top)
    assert (even.difference, even.ratio) == (uneven.difference, uneven.ratio)
    for low, high in (("difference_low", "difference_high"), ("ratio_low", "ratio_high")):
        assert getattr(uneven, low) < getattr(even, low) < getattr(even, high) < getattr(uneven, high)


def test_nobody_left_the_least_engaged_units_so_the_ratio_has_no_upper_end() -> None:
    found = rate_contrast(np.array([1.0, 0]), np.array([10.0, 10]), np.array([True, False]))
    assert (found.ratio, found.ratio_high) == (None, None)
    assert found.ratio_low is not None
    nobody = rate_contrast(np.zeros(2), np.full(2, 10.0), np.array([True, False]))
    assert (nobody.difference, nobody.ratio_low, nobody.ratio_high) == (0, None, None)


def test_the_limits_of_a_count_are_those_of_the_tables() -> None:
    # Garwood's limits of 10 events: 4.795 and 18.390; of none: 0 and 3.689.
    assert poisson_limits(10, 1) == pytest.approx((4.795, 18.390), abs=1e-3)
    assert poisson_limits(0, 2) == pytest.approx((0, 3.689 / 2), abs=1e-3)


def test_one_business_unit_on_a_side_gives_a_difference_without_an_interval() -> None:
    units = wave("w1", *[{"operating_margin": margin, "ranking_level": "business_unit"} for margin in (0.02, 0.03, 0.04, 0.06)])
    found = row(engagement_contrasts(units, **LEAST), "operating_margin")
    assert found["difference"] == pytest.approx(0.04)
    assert np.isnan(found["difference_ci_low"])
    assert found["no_interval_reason"] == "few_units"


def test_welchs_interval_of_a_margin() -> None:
    found = mean_contrast(np.array([0.08, 0.10, 0.12, 0.02, 0.03, 0.04]), np.array([True] * 3 + [False] * 3), 3)
    # Standard error sqrt(0.02^2/3 + 0.01^2/3) = 0.01291, 2.941 degrees of freedom: t = 3.2177.
    assert found.difference == pytest.approx(0.07)
    assert (found.difference_low, found.difference_high) == pytest.approx((0.02846, 0.11154), abs=1e-4)


def test_no_rows_give_a_typed_empty_table() -> None:
    found = engagement_contrasts(wave("w1", STEADY).iloc[:0], **LEAST)
    assert found.empty
    assert list(found.columns) == list(COLUMNS)


@given(st.lists(st.floats(0, 100), min_size=0, max_size=30))
def test_no_unit_is_in_both_quartiles_and_none_of_the_top_scores_lower(scores: list[float]) -> None:
    units = pd.DataFrame({"org_unit": [f"u{i:02d}" for i in range(len(scores))], "engagement_index": scores})
    chosen = quartiles(units)
    top, bottom = chosen[chosen["is_top"]], chosen[~chosen["is_top"].astype(bool)]
    assert len(top) == len(bottom) == len(scores) // 4
    assert not set(top["org_unit"]) & set(bottom["org_unit"])
    assert top.empty or top["engagement_index"].min() >= bottom["engagement_index"].max()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=12, max_size=20), st.randoms())
def test_what_happens_to_the_units_does_not_change_who_is_ranked_where(pairs: list[tuple[int, int]], random: Any) -> None:
    units = wave("w1", *[left(a + b, a) for a, b in pairs])
    shuffled = list(range(len(pairs)))
    random.shuffle(shuffled)
    others = units.assign(leavers=units["leavers"].to_numpy()[shuffled])
    assert list(quartiles(units)["org_unit"]) == list(quartiles(others)["org_unit"])


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_intervals_hold_about_as_often_as_they_say(spread: float) -> None:
    """Six units a side of 15 person-years, at 0.05 and 0.30 leavers a year, each unit's own rate scattering by `spread`."""
    rng = np.random.default_rng(11)
    is_top = np.repeat([True, False], 6)
    years = np.full(12, 15.0)
    rates = np.where(is_top, 0.05, 0.30)
    runs, ratio_held, difference_held, found_it = 400, 0, 0, 0
    for _ in range(runs):
        own = rates * (rng.gamma(1 / spread**2, spread**2, 12) if spread else 1)
        found = rate_contrast(rng.poisson(own * years).astype(float), years, is_top)
        ratio_held += (found.ratio_low or 0) <= 1 / 6 and (found.ratio_high is None or found.ratio_high >= 1 / 6)
        assert found.difference_low is not None
        assert found.difference_high is not None
        difference_held += found.difference_low <= -0.25 <= found.difference_high
        found_it += found.difference_high < 0
    assert ratio_held / runs >= 0.94
    assert difference_held / runs >= 0.92
    assert found_it / runs >= 0.85
