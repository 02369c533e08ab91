"""The most against the least engaged quartile of units: what became of each, and how sure the difference is.

Data flow: a row per unit of a wave (its score, its people, what followed) -> top and bottom quartile -> a rate or a mean of each,
their difference and ratio with 95 % intervals.

Leavers are counted per person-year. People of one unit share its fate, so a count scatters more than a Poisson count would: by
`dispersion`, Pearson's chi-squared over its degrees of freedom (McCullagh & Nelder, Generalized Linear Models, 2nd ed. 1989,
section 6.2). Counts and person-years are divided by it before the exact limits are taken: as much as is known, no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ALPHA = 0.05
QUARTILES = 4
ALL_WAVES = "all"
OUTCOMES = {"turnover": "smallest_unit", "voluntary_turnover": "smallest_unit", "operating_margin": "business_unit"}
COLUMNS = {
    "wave": "string",
    "horizon_months": "int64",
    "outcome": "string",
    "units_ranked": "int64",
    "most_engaged_units": "int64",
    "least_engaged_units": "int64",
    "most_engaged_people": "int64",
    "least_engaged_people": "int64",
    "most_engaged_value": "float64",
    "least_engaged_value": "float64",
    "difference": "float64",
    "difference_ci_low": "float64",
    "difference_ci_high": "float64",
    "ratio": "float64",
    "ratio_ci_low": "float64",
    "ratio_ci_high": "float64",
    "why_hidden": "string",
    "no_interval_reason": "string",
}


@dataclass(frozen=True)
class Contrast:
    """Value of each side, top less bottom and top over bottom, with the ends of their intervals; None where there is none."""

    top: float | None = None
    bottom: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


def poisson_limits(events: float, exposure: float) -> tuple[float, float]:
    """Exact ends of the interval of a rate (Garwood, Biometrika 1936); `events` may be a fraction."""
    from scipy.stats import chi2

    low = float(chi2.ppf(ALPHA / 2, 2 * events)) / 2 if events > 0 else 0.0
    return low / exposure, float(chi2.ppf(1 - ALPHA / 2, 2 * events + 2)) / 2 / exposure


def dispersion(events: Floats, exposures: Floats, sides: Sequence[Flags]) -> float:
    """By how much the units' counts scatter more than Poisson counts round the rate of their side; at least 1."""
    free = sum(int(side.sum()) - 1 for side in sides)
    squares = 0.0
    for side in sides:
        expected = exposures[side] * events[side].sum() / exposures[side].sum()
        squares += float((((events[side] - expected) ** 2)[expected > 0] / expected[expected > 0]).sum())
    return max(1.0, squares / free) if free > 0 else 1.0


def rate_contrast(events: Floats, exposures: Floats, is_top: Flags, least_group: int = 0) -> Contrast:
    """Events per unit of exposure, top against bottom, one element per unit.

    A side with fewer than `least_group` events counts as the middle of 0 to least_group - 1, its units' scatter as none, and each
    interval holds for every number in that band, so that nothing shown leads back to the few.
    """
    counted = [float(events[side].sum()) for side in (is_top, ~is_top)]
    times = [float(exposures[side].sum()) for side in (is_top, ~is_top)]
    told = [side for side, count in zip((is_top, ~is_top), counted, strict=True) if count >= least_group]
    scatter = dispersion(events, exposures, told)
    bands = [[count] if count >= least_group else [float(one) for one in range(least_group)] for count in counted]
    found = [_contrast_of_counts(top, bottom, times[0], times[1], scatter) for top in bands[0] for bottom in bands[1]]
    middle = _contrast_of_counts(bands[0][len(bands[0]) // 2], bands[1][len(bands[1]) // 2], times[0], times[1], scatter)
    if len(found) == 1:
        return middle
    ends = {
        name: None if any(getattr(one, name) is None for one in found) else pick(getattr(one, name) for one in found)
        for name, pick in (("difference_low", min), ("difference_high", max), ("ratio_high", max))
    }
    lows = [one.ratio_low for one in found if one.ratio_low is not None]
    return replace(middle, ratio_low=min(lows, default=None), **ends)


def _contrast_of_counts(top_events: float, bottom_events: float, top_time: float, bottom_time: float, scatter: float) -> Contrast:
    """The rates of two counts, their difference and ratio.

    The interval of the ratio is the exact conditional one (Przyborowski & Wilenski, Biometrika 1940: given all events, those of
    one side are binomial; Clopper-Pearson limits); that of the difference is made of both sides' own exact limits (MOVER:
    Zou & Donner, Statistics in Medicine 2008).
    """
    from scipy.stats import beta

    top, bottom = top_events / top_time, bottom_events / bottom_time
    top_events, bottom_events, top_time, bottom_time = (x / scatter for x in (top_events, bottom_events, top_time, bottom_time))
    top_low, top_high = poisson_limits(top_events, top_time)
    bottom_low, bottom_high = poisson_limits(bottom_events, bottom_time)
    difference = top - bottom
    ratio_low = ratio_high = None
    if bottom_events > 0 or top_events > 0:
        share = float(beta.ppf(ALPHA / 2, top_events, bottom_events + 1)) if top_events > 0 else 0.0
        ratio_low = share / (1 - share) * bottom_time / top_time
        if bottom_events > 0:
            share = float(beta.ppf(1 - ALPHA / 2, top_events + 1, bottom_events))
            ratio_high = share / (1 - share) * bottom_time / top_time
    return Contrast(
        top,
        bottom,
        difference,
        difference - sqrt((top - top_low) ** 2 + (bottom_high - bottom) ** 2),
        difference + sqrt((top_high - top) ** 2 + (bottom - bottom_low) ** 2),
        top / bottom if bottom > 0 else None,
        ratio_low,
        ratio_high,
    )


def mean_contrast(values: Floats, is_top: Flags, least: int) -> Contrast:
    """Means of the units, top less bottom; Welch's interval (Biometrika 1947) where each side has `least` units."""
    top, bottom = values[is_top], values[~is_top]
    found = Contrast(float(top.mean()), float(bottom.mean()), float(top.mean() - bottom.mean()))
    if min(len(top), len(bottom)) < max(least, 2) or top.var() + bottom.var() == 0:
        return found
    from scipy.stats import t

    errors = [float(side.var(ddof=1)) / len(side) for side in (top, bottom)]
    freedom = sum(errors) ** 2 / sum(e**2 / (len(side) - 1) for e, side in zip(errors, (top, bottom), strict=True))
    margin = float(t.ppf(1 - ALPHA / 2, freedom)) * sqrt(sum(errors))
    middle = float(top.mean() - bottom.mean())
    return Contrast(float(top.mean()), float(bottom.mean()), middle, middle - margin, middle + margin)


def quartiles(units: pd.DataFrame) -> pd.DataFrame:
    """The top and the bottom quarter (rounded down) of one wave's units by `engagement_index`, with `is_top`; ties by name."""
    ranked = units.sort_values(["engagement_index", "org_unit"])
    size = len(ranked) // QUARTILES
    sides = [ranked.iloc[:size].assign(is_top=False), ranked.iloc[len(ranked) - size :].assign(is_top=True)]
    return pd.concat(sides, ignore_index=True)


def apart(waves: pd.DataFrame) -> list[str]:
    """Of waves with `window_start` and `window_end` the first, and each next one whose window begins after the last one's end."""
    chosen: list[str] = []
    ordered = waves.sort_values(["window_start", "wave"])
    end: Any = None
    for wave, first, last in zip(ordered["wave"], ordered["window_start"], ordered["window_end"], strict=True):
        if end is None or first > end:
            chosen.append(str(wave))
            end = last
    return chosen


def engagement_contrasts(
    outcomes: pd.DataFrame, *, least_units: int, least_people: int, least_group: int, uniform_group: int
) -> pd.DataFrame:
    """One row per wave, horizon and outcome, and one of all waves whose windows do not overlap.

    Args:
        outcomes: a row per wave x horizon_months x org_unit x ranking_level with engagement_index, people, person_years, leavers,
            voluntary_leavers, operating_margin, is_complete, window_start, window_end.
        least_units: fewer units on a side are no quartile of people to speak of, and give no interval of a mean.
        least_people: fewer people on a side are not shown.
        least_group: fewer leavers are told as a band, and not how many of them left of their own will,
        uniform_group: nor of fewer than these where all did, or none.

    Returns:
        COLUMNS; `why_hidden` says why a row has no figures, `no_interval_reason` why it has no interval.
    """
    rows = []
    for horizon in sorted(outcomes["horizon_months"].unique()):
        for outcome, level in OUTCOMES.items():
            of_horizon = outcomes[(outcomes["horizon_months"] == horizon) & (outcomes["ranking_level"] == level)]
            # Who answered for a unit in which the register knows nobody cannot be followed.
            of_horizon = of_horizon[of_horizon["people"] > 0]
            if outcome == "operating_margin":
                done = of_horizon["operating_margin"].notna()
                waiting = set(of_horizon["wave"]) - set(of_horizon[done]["wave"])
            else:
                done = of_horizon["is_complete"].astype(bool)
                waiting = set(of_horizon[~done]["wave"])
            ranked = {str(wave): units for wave, units in of_horizon[done].groupby("wave")}
            pooled = [ranked[wave] for wave in apart(of_horizon[done].drop_duplicates("wave"))]
            parts = {wave: [units] for wave, units in ranked.items()} | {str(wave): [] for wave in sorted(waiting)}
            if pooled:
                parts[ALL_WAVES] = pooled
            for wave, groups in parts.items():
                row = _row(groups, outcome, least_units, least_people, least_group, uniform_group)
                rows.append({"wave": wave, "horizon_months": int(horizon), "outcome": outcome} | row)
    made = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return made.sort_values(["outcome", "horizon_months", "wave"], ignore_index=True)


def _row(
    waves: list[pd.DataFrame], outcome: str, least_units: int, least_people: int, least_group: int, uniform_group: int
) -> dict[str, object]:
    """The figures of one wave, or of several taken together."""
    if not waves:
        return _sizes(0, None) | {"why_hidden": "horizon_open"}
    chosen = pd.concat([quartiles(units) for units in waves], ignore_index=True)
    sizes = _sizes(sum(len(units) for units in waves), chosen)
    if chosen.empty:
        return sizes | {"why_hidden": "few_units"}
    # A unit that stood on one side in several waves is one unit.
    sums = chosen.groupby(["is_top", "org_unit"])[["people", "person_years", "leavers", "voluntary_leavers"]].sum().reset_index()
    is_top = sums["is_top"].to_numpy(bool)
    if outcome == "operating_margin":
        means = chosen.groupby(["is_top", "org_unit"])["operating_margin"].mean().to_numpy(float)
        found = mean_contrast(means, is_top, least_units)
        return sizes | _figures(found) | {"no_interval_reason": "few_units" if found.difference_low is None else None}
    for side in (is_top, ~is_top):
        of_side = sums[side]
        if len(of_side) < least_units:
            return sizes | {"why_hidden": "few_units"}
        if of_side["people"].sum() < least_people:
            return sizes | {"why_hidden": "few_people"}
        left, own_will = int(of_side["leavers"].sum()), int(of_side["voluntary_leavers"].sum())
        if outcome == "voluntary_turnover" and 0 < left < least_group:
            return sizes | {"why_hidden": "few_leavers"}
        if outcome == "voluntary_turnover" and 0 < left < uniform_group and own_will in (0, left):
            return sizes | {"why_hidden": "uniform"}
    events = sums["leavers" if outcome == "turnover" else "voluntary_leavers"].to_numpy(float)
    return sizes | _figures(rate_contrast(events, sums["person_years"].to_numpy(float), is_top, least_group))


def _sizes(units_ranked: int, chosen: pd.DataFrame | None) -> dict[str, object]:
    sizes: dict[str, object] = {"units_ranked": units_ranked}
    for side, is_top in (("most", True), ("least", False)):
        of_side = chosen[chosen["is_top"] == is_top] if chosen is not None else None
        sizes[f"{side}_engaged_units"] = 0 if of_side is None else of_side["org_unit"].nunique()
        sizes[f"{side}_engaged_people"] = 0 if of_side is None else int(of_side["people"].sum())
    return sizes


def _figures(found: Contrast) -> dict[str, object]:
    return {
        "most_engaged_value": found.top,
        "least_engaged_value": found.bottom,
        "difference": found.difference,
        "difference_ci_low": found.difference_low,
        "difference_ci_high": found.difference_high,
        "ratio": found.ratio,
        "ratio_ci_low": found.ratio_low,
        "ratio_ci_high": found.ratio_high,
    }
