"""What a measure changed: one estimate per initiative and metric, with an interval that is honest for few units.

Data flow: a panel (subject x period) -> one number per subject (or one regression) -> effect, interval, p, pre-trend ->
verdict in words.

Arms that were not drawn may have been drifting apart before the start. A look at that time misses what is too small for it
(Roth, AER: Insights 2022), so it does not decide: each subject's straight trend is always part of the model, and the effect is
the shift of the level beside it.

The panel is at the level at which the measure was given out: persons where persons were drawn, units where units were. So nobody
counts as independent who was not, which is what cluster-robust errors are for (Bertrand, Duflo & Mullainathan, QJE 2004,
section IV.C: collapse to one change per cluster). Where subjects are few, intervals come from permuting who was treated
(Fisher's exact test inverted: Imbens & Rubin, Causal Inference, 2015, chapter 5) instead of from a normal distribution that
needs many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, inf, isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.analysis.permutation import MOST_PERMUTATIONS, SEED, draws, permutation_interval
from pipelines.analysis.series import level_shift
from pipelines.analysis.shifts import NOTHING, are_drawn, drifts_before, of_orders, of_subjects

Floats = NDArray[np.float64]

FEW = 20  # subjects in the smaller arm, under which intervals come from permutations
LEAST_PRE_PERIODS = 3  # under which there is no trend before the start to look at
TRENDED = "comparative_series"
LEAST_SERIES = 4  # periods on each side that a series without a control group needs


@dataclass(frozen=True)
class Effect:
    """An estimate in the metric's own unit; None where it cannot be made.

    `baseline`: the treated before the start (with a holdout that has no period before: the control group). `actual`: the
    treated since. `effect`: actual less what would have been without the measure. `pre_trend`: by how much more the treated
    rose per period before the start than the others (without a control group: the slope of the series itself).
    `may_be_drift`: without the trends the interval would leave zero out on a side on which it does not lie.
    """

    method: str
    inference: str | None = None
    baseline: float | None = None
    actual: float | None = None
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    n_treated: int = 0
    n_control: int = 0
    n_periods: int = 0
    pre_trend: float | None = None
    pre_trend_p: float | None = None
    may_be_drift: bool = False
    all_treated: bool = False
    why_not: str | None = None

    def share(self, change: float | None) -> float | None:
        """A change (the effect, or an end of its interval) as a share of what would have been without the measure."""
        if change is None or self.effect is None or self.actual is None or self.actual == self.effect:
            return None
        return change / abs(self.actual - self.effect)


def estimate(panel: pd.DataFrame, design: str, *, level: float = 0.95) -> Effect:
    """The effect of one initiative on one metric.

    Args:
        panel: `subject`, `period` (whole numbers, one step each), `treated_from` (the period from which the subject was treated,
            NaN for the control group) and `value`; one row per subject and period, missing values left out or NaN.
        design: `holdout`, `diff_in_diff`, `staggered` or `before_after`, as the plan said before the start.
        level: of the confidence interval.

    Raises:
        ValueError: for another design.
    """
    designs = {"holdout": _holdout, "diff_in_diff": _difference, "staggered": _staggered, "before_after": _before_after}
    if design not in designs:
        raise ValueError(f"there is no design {design!r}; there are {', '.join(designs)}")
    known = panel.dropna(subset=["value"]).sort_values(["subject", "period"])
    return designs[design](known, 1 - level)


# -- two arms --------------------------------------------------------------------------------------------------------------------


def _collapse(panel: pd.DataFrame) -> pd.DataFrame:
    """One row per subject: treated, mean before the start, mean since (NaN where there is nothing)."""
    start = panel["treated_from"].min()
    since = panel["period"] >= start
    return pd.DataFrame(
        {
            "treated": panel.groupby("subject")["treated_from"].first().notna(),
            "before": panel[~since].groupby("subject")["value"].mean(),
            "since": panel[since].groupby("subject")["value"].mean(),
        }
    )


def _holdout(panel: pd.DataFrame, alpha: float) -> Effect:
    """Difference of the means, less what the periods before already explain.

    CUPED (Deng, Xu, Kohavi & Walker, WSDM 2013) as a regression on the arm and the mean before the start (analysis of
    covariance), with errors that allow the arms to scatter differently (HC3). Subjects without a period before count with the
    mean of the others.
    """
    arms = _collapse(panel).dropna(subset=["since"])
    has_before = arms["before"].notna().sum() >= len(arms) / 2 and arms["before"].std(ddof=0) > 0
    effect = _sizes("cuped" if has_before else "difference_of_means", arms, panel)
    if effect.why_not:
        return effect
    treated, since = arms["treated"].to_numpy(), arms["since"].to_numpy(float)
    columns = [np.ones(len(arms)), treated.astype(float)]
    if has_before:
        before = arms["before"].fillna(arms["before"].mean()).to_numpy(float)
        columns.append(before - before.mean())
    if effect.n_treated >= FEW and effect.n_control >= FEW:
        from statsmodels.regression.linear_model import OLS

        fitted = OLS(since, np.column_stack(columns)).fit(cov_type="HC3", use_t=True)
        low, high = fitted.conf_int(alpha)[1]
        effect = replace(
            effect, inference="robust", effect=float(fitted.params[1]), p=float(fitted.pvalues[1]), ci_low=low, ci_high=high
        )
    else:
        # What the periods before explain is learnt without knowing the arms: else the permutations would not be of equal
        # standing.
        explained = np.polyval(np.polyfit(columns[-1], since, 1), columns[-1]) if has_before else 0.0
        effect = _permuted_arms(effect, since - explained, treated, alpha)
    control_mean = float(since[~treated].mean())
    baseline = float(arms.loc[arms["treated"], "before"].mean()) if has_before else control_mean
    return _with_pre_trend(replace(effect, baseline=baseline, actual=float(since[treated].mean())), _slopes(panel))


def _difference(panel: pd.DataFrame, alpha: float) -> Effect:
    """The shift of the treated less that of the others, one per subject: beside its own trend where the time before the start
    tells one, else the plain change.
    """
    arms = _collapse(panel).dropna()
    effect = _sizes("difference_in_differences", arms, panel)
    if effect.why_not:
        return effect
    of_treated = arms[arms["treated"]]
    effect = replace(effect, baseline=float(of_treated["before"].mean()), actual=float(of_treated["since"].mean()))
    y, starts, periods = _matrix(panel)
    since = periods >= starts.min()

    def compared(method: str, subjects: pd.Index[Any], *, with_trend: bool) -> Effect:
        treated = arms.loc[subjects, "treated"].to_numpy(bool)
        if treated.all() or not treated.any():
            return replace(effect, why_not="too_few_subjects")
        shifts = of_subjects(y.loc[subjects].to_numpy(float), since, periods, with_trend=with_trend)
        of_these = replace(effect, method=method, n_treated=int(treated.sum()), n_control=int((~treated).sum()))
        return _compared(of_these, shifts, treated, alpha)

    slopes = _slopes(panel)
    plain = compared(effect.method, arms.index, with_trend=False)
    beside_trends = compared(TRENDED, arms.index.intersection(slopes.index), with_trend=True)
    return plain if beside_trends.effect is None else _with_pre_trend(_beside(beside_trends, plain), slopes)


def _compared(effect: Effect, outcome: Floats, treated: NDArray[np.bool_], alpha: float) -> Effect:
    """The difference of the means of two arms: Welch's interval, or that of the permutations where subjects are few."""
    if min(treated.sum(), (~treated).sum()) < FEW:
        return _permuted_arms(effect, outcome, treated, alpha)
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    compared = CompareMeans(DescrStatsW(outcome[treated]), DescrStatsW(outcome[~treated]))
    low, high = compared.tconfint_diff(alpha=alpha, usevar="unequal")
    p = float(compared.ttest_ind(usevar="unequal")[1])
    found = float(outcome[treated].mean() - outcome[~treated].mean())
    return replace(effect, inference="welch", effect=found, p=p, ci_low=float(low), ci_high=float(high))


def _beside(effect: Effect, plain: Effect) -> Effect:
    """The effect beside the trends, and whether the plain change leaves zero out on a side where it does not."""

    def side(one: Effect) -> int:
        return int((one.ci_low or 0) > 0) - int((one.ci_high or 0) < 0)

    return replace(effect, may_be_drift=side(plain) not in (0, side(effect)))


def _sizes(method: str, arms: pd.DataFrame, panel: pd.DataFrame) -> Effect:
    n_treated, n_control = int(arms["treated"].sum()), int((~arms["treated"].astype(bool)).sum())
    effect = Effect(method, n_treated=n_treated, n_control=n_control, n_periods=panel["period"].nunique())
    if n_control == 0:
        return replace(effect, all_treated=True, why_not="no_control")
    if n_treated == 0:
        return replace(effect, why_not="no_treated")
    return effect


def _permuted_arms(effect: Effect, outcome: Floats, treated: NDArray[np.bool_], alpha: float) -> Effect:
    """The difference of the means and its permutation interval."""
    weights, is_drawn = _arms(treated)
    found = float(outcome[treated].mean() - outcome[~treated].mean())
    return _permuted(effect, *permutation_interval(found, weights @ outcome, weights @ treated, alpha, are_drawn=is_drawn))


def _arms(treated: NDArray[np.bool_]) -> tuple[Floats, bool]:
    """What turns values into the difference of the arms' means, for each way to draw the arms; and whether these are not all."""
    n, k = len(treated), int(treated.sum())
    is_whole = comb(n, k) <= MOST_PERMUTATIONS
    if is_whole:
        chosen = np.zeros((comb(n, k), n), dtype=bool)
        for row, members in enumerate(combinations(range(n), k)):
            chosen[row, list(members)] = True
    else:
        rng = np.random.default_rng(SEED)
        drawn = np.argsort(rng.random((draws(n), n)), axis=1) < k
        chosen = np.vstack([treated, drawn])
    return chosen / k - ~chosen / (n - k), not is_whole


def _permuted(effect: Effect, found: float, low: float, high: float, p: float) -> Effect:
    if not (isfinite(low) and isfinite(high)):
        return replace(effect, why_not="too_few_subjects")
    return replace(effect, inference="permutation", effect=found, ci_low=low, ci_high=high, p=p)


def _with_pre_trend(effect: Effect, slopes: pd.DataFrame) -> Effect:
    """Adds how the slopes of the two arms differed before the start: one slope per subject, compared by their permutations or
    by Welch.
    """
    if slopes["treated"].nunique() < 2:
        return effect
    treated, slope = slopes["treated"].to_numpy(bool), slopes["slope"].to_numpy(float)
    gap = float(slope[treated].mean() - slope[~treated].mean())
    if min(treated.sum(), (~treated).sum()) >= FEW:
        from scipy import stats

        p = float(stats.ttest_ind(slope[treated], slope[~treated], equal_var=False).pvalue)
        return replace(effect, pre_trend=gap, pre_trend_p=p)
    gaps = _arms(treated)[0] @ slope
    return replace(effect, pre_trend=gap, pre_trend_p=float(np.mean(np.abs(gaps) >= abs(gap) - NOTHING)))


def _slopes(panel: pd.DataFrame) -> pd.DataFrame:
    """By subject with enough periods before the start: `treated`, and the least-squares `slope` per period of that time."""
    before = panel[panel["period"] < panel["treated_from"].min()]
    periods = before.groupby("subject")["period"]
    offset = before["period"] - periods.transform("mean")
    squares = (offset**2).groupby(before["subject"]).sum()
    slopes = pd.DataFrame(
        {
            "treated": before.groupby("subject")["treated_from"].first().notna(),
            "slope": (offset * before["value"]).groupby(before["subject"]).sum() / squares,
        }
    )
    enough: pd.DataFrame = slopes[periods.size() >= LEAST_PRE_PERIODS]
    return enough


# -- one start after the other ---------------------------------------------------------------------------------------------------


def _matrix(panel: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Floats]:
    """Values by subject (rows) and period, the subjects' starts (infinite: never), and the periods."""
    values = panel.pivot(index="subject", columns="period", values="value")
    starts = panel.groupby("subject")["treated_from"].first().reindex(values.index).astype(float).fillna(inf)
    return values, np.asarray(starts, dtype=np.float64), np.asarray(values.columns, dtype=np.float64)


def _staggered(panel: pd.DataFrame, alpha: float) -> Effect:
    """The shift that all share at their own starts, beside each subject's trend and the waves of all; where the time before the
    starts tells no trend, beside the subjects' levels. The interval comes from permuting the starts over the subjects.
    """
    values, starts, periods = _matrix(panel)
    y, begun = values.to_numpy(float), np.isfinite(starts)
    effect = Effect(
        "difference_in_differences",
        n_treated=int(begun.sum()),
        n_control=int((~begun).sum()),
        n_periods=len(periods),
        all_treated=bool(begun.all()),
    )
    if effect.n_treated == 0:
        return replace(effect, why_not="no_treated")
    if len(set(starts)) == 1:
        return replace(effect, why_not="no_control")
    is_since = periods >= starts[:, None]
    before, since = y[begun][~is_since[begun]], y[is_since]
    if not np.isfinite(since).any():
        return replace(effect, why_not="no_treated")
    baseline = float(np.nanmean(before)) if np.isfinite(before).any() else None
    effect = replace(effect, baseline=baseline, actual=float(np.nanmean(since)))
    plain = _permuted_starts(effect, y, starts, periods, alpha, with_trend=False)
    free = ~np.isnan(y) & ~is_since
    free &= (free.sum(axis=1) >= LEAST_PRE_PERIODS)[:, None]
    if free.any(axis=1).sum() < LEAST_PRE_PERIODS:
        return plain
    beside_trends = _permuted_starts(replace(effect, method=TRENDED), y, starts, periods, alpha, with_trend=True)
    if beside_trends.effect is None:
        return plain
    drifts = drifts_before(y, starts, periods, free)
    p = float(np.mean(np.abs(drifts) >= abs(drifts[0]) - NOTHING))
    return replace(_beside(beside_trends, plain), pre_trend=float(drifts[0]), pre_trend_p=p)


def _permuted_starts(effect: Effect, y: Floats, starts: Floats, periods: Floats, alpha: float, *, with_trend: bool) -> Effect:
    """The shift that all share at their starts and its permutation interval."""
    shifts, shares = of_orders(y, starts, periods, with_trend=with_trend)
    if not isfinite(shifts[0]):
        return replace(effect, why_not="too_few_subjects")
    known = np.isfinite(shifts)
    interval = permutation_interval(float(shifts[0]), shifts[known], shares[known], alpha, are_drawn=are_drawn(len(y)))
    return _permuted(effect, *interval)


# -- no control group ------------------------------------------------------------------------------------------------------------


def _before_after(panel: pd.DataFrame, alpha: float) -> Effect:
    """Interrupted time series: the shift of the level at the start.

    A trend through the whole series is part of the model from eight periods before the start. Nothing here tells the measure from
    whatever else happened at that time.
    """
    series = panel.groupby("period")["value"].mean()
    values, periods = series.to_numpy(float), series.index.to_numpy(float)
    since = periods >= panel["treated_from"].min()
    n_before, n_since = int((~since).sum()), int(since.sum())
    effect = Effect("interrupted_series", n_treated=panel["subject"].nunique(), n_periods=len(series), all_treated=True)
    if min(n_before, n_since) < LEAST_SERIES:
        return replace(effect, why_not="too_few_periods")
    shift, trend = level_shift(values, periods, since, with_trend=n_before >= 2 * LEAST_SERIES, alpha=alpha)
    return replace(
        effect,
        inference="ar1",
        baseline=float(values[~since].mean()),
        actual=float(values[since].mean()),
        effect=shift.value,
        ci_low=shift.low,
        ci_high=shift.high,
        p=shift.p,
        pre_trend=float(np.polyfit(periods[~since], values[~since], 1)[0]),
        pre_trend_p=None if trend is None else trend.p,
    )
