"""How long customers of each tier stay: curves and restricted means against hand counts, statsmodels and simulation."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.analysis.survival import COLUMNS, kaplan_meier, restricted_mean, retention_by_tier

LANDMARK = date(2025, 1, 1)


def subjects(tier: str, days: list[float], lost: list[bool], horizon: int = 90) -> pd.DataFrame:
    return pd.DataFrame({"landmark_date": LANDMARK, "tier": tier, "tenure_days": days, "is_lost": lost, "horizon_days": horizon})


def test_who_is_last_seen_early_counts_until_then_and_not_as_lost() -> None:
    """4 customers: lost on day 10, last seen on day 20, lost on day 30, last seen on day 90: 3/4, then half of it."""
    curve = kaplan_meier(np.array([10.0, 20, 30, 90]), np.array([True, False, True, False]))
    known = pd.Series(curve.survival, index=curve.days)
    assert known[10] == pytest.approx(0.75)
    assert known[30] == pytest.approx(0.375)


def test_restricted_mean_is_the_area_under_the_curve() -> None:
    """10 days at 1, 20 at 3/4, 60 at 3/8: 47.5 days."""
    curve = kaplan_meier(np.array([10.0, 20, 30, 90]), np.array([True, False, True, False]))
    mean, error = restricted_mean(curve, 90)
    assert mean == pytest.approx(10 + 15 + 22.5)
    # Greenwood: (37.5² * 1/(4*3) + 22.5² * 1/(2*1))
    assert error == pytest.approx(np.sqrt(37.5**2 / 12 + 22.5**2 / 2))


def test_nobody_lost_is_certain_to_stay() -> None:
    rows = retention_by_tier(subjects("high", [90.0] * 5, [False] * 5), least_customers=5, z=1.96)
    assert set(rows["survival"]) == {1.0}
    assert set(rows["mean_days"]) == {90.0}
    assert rows["days_since"].tolist() == [0, 30, 60, 90]


def test_a_small_tier_shows_how_many_it_has_and_no_estimate() -> None:
    few = pd.concat([subjects("high", [5.0] * 4, [True] * 4), subjects("low", [5.0] * 5, [True] * 5)])
    rows = retention_by_tier(few, least_customers=5, z=1.96)
    high = rows[rows["tier"] == "high"]
    assert set(high["customers"]) == {4}
    assert high[["survival", "mean_days", "ratio_to_low"]].isna().all().all()
    assert rows[rows["tier"] == "low"]["survival"].notna().all()


def test_no_subjects_give_an_empty_table_with_its_columns() -> None:
    empty = subjects("high", [], []).iloc[:0]
    assert list(retention_by_tier(empty, least_customers=1, z=1.96).columns) == list(COLUMNS)


def test_a_tier_that_stays_30_percent_longer_is_found_and_its_interval_covers_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(7)
    horizon, covered, repeats = 365, 0, 300

    def area(scale: float) -> float:
        return scale * (1 - np.exp(-horizon / scale))

    truth = area(400) / area(200)
    for _ in range(repeats):
        parts = []
        for tier, scale in (("high", 400), ("low", 200)):
            life = rng.exponential(scale, 200)
            seen = np.minimum(rng.uniform(100, 800, 200), horizon)
            parts.append(subjects(tier, list(np.minimum(life, seen)), list(life <= seen), horizon))
        rows = retention_by_tier(pd.concat(parts), least_customers=20, z=1.96)
        high = rows[rows["tier"] == "high"].iloc[0]
        covered += high["ratio_ci_low"] <= truth <= high["ratio_ci_high"]
    assert 0.92 <= covered / repeats <= 0.98


@given(st.lists(st.tuples(st.integers(1, 90), st.booleans()), min_size=1, max_size=30))
def test_curves_fall_and_means_lie_between_nothing_and_the_horizon(lives: list[tuple[int, bool]]) -> None:
    rows = retention_by_tier(
        subjects("low", [float(days) for days, _ in lives], [lost for _, lost in lives]), least_customers=1, z=1.96
    )
    survival = rows.sort_values("days_since")["survival"].to_numpy(float)
    assert (np.diff(survival) <= 1e-12).all()
    assert (rows["ci_low"] <= rows["survival"] + 1e-12).all()
    assert (rows["survival"] <= rows["ci_high"] + 1e-12).all()
    assert rows["mean_days"].between(0, 90).all()
