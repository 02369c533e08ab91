"""What a measure changed: one estimate per initiative and metric, with an interval that is honest for few units.

Data flow: a panel (subject x period) -> one number per subject (or one regression) -> effect, interval, p, pre-trend ->
verdict in words.

Arms that were not drawn may have been drifting apart before the start. A look at that time misses what is too small for it (Roth,
AER: Insights 2022), so it does not decide: the interval is wide enough for both, a drift that ended at the start and one that
went on (Rambachan & Roth, REStud 2023, with a straight drift).

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

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.analysis.imputation import SEED, drift, imputed, judged, orders, without_means
from pipelines.analysis.permutation import permutation_interval
from pipelines.analysis.series import level_shift

Floats = NDArray[np.float64]

FEW = 20  # subjects in the smaller arm, under which intervals come from permutations
MOST_PERMUTATIONS = 4_999
LEAST_PRE_PERIODS = 3  # under which there is no trend before the start to look at
LEAST_SERIES = 4  # periods on each side that a series without a control group needs


@dataclass(frozen=True)
class Effect:
    """An estimate in the metric's own unit; None where it cannot be made.

    `baseline`: the treated before the start (with a holdout that has no period before: the control group). `actual`: the
    treated since. `effect`: actual less what would have been without the measure. `pre_trend`: by how much more the treated
    rose per period before the start than the others (without a control group: the slope of the series itself).
    `may_be_drift`: the interval would leave zero out, if a drift from before the start could be ruled out.
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
    """Difference in differences: the change of the treated less the change of the others, one change per subject.

    The interval is widened by what the same gives of the changes beyond each subject's own trend before the start.
    """
    arms = _collapse(panel).dropna()
    effect = _sizes("difference_in_differences", arms, panel)
    if effect.why_not:
        return effect
    treated = arms["treated"].to_numpy(bool)
    change = (arms["since"] - arms["before"]).to_numpy(float)
    effect = _compared(effect, change, treated, alpha)
    of_treated = arms[arms["treated"]]
    effect = replace(effect, baseline=float(of_treated["before"].mean()), actual=float(of_treated["since"].mean()))
    slopes = _slopes(panel)
    effect = _with_pre_trend(effect, slopes)
    if effect.pre_trend is None or effect.effect is None:
        return effect
    trended = arms.join(slopes[["slope", "steps"]], how="inner")
    beyond = (trended["since"] - trended["before"] - trended["slope"] * trended["steps"]).to_numpy(float)
    return _widened(effect, _compared(Effect("beyond_trend"), beyond, trended["treated"].to_numpy(bool), alpha))


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


def _widened(effect: Effect, beyond: Effect) -> Effect:
    """The effect, its interval wide enough to hold that of the estimate beyond the drift before the start, too.

    Where that one has no bounds (too few subjects), the interval stays, and what it says may all be drift.
    """
    if effect.ci_low is None or effect.ci_high is None or effect.p is None:
        return effect
    leaves_zero_out = not effect.ci_low <= 0 <= effect.ci_high
    if beyond.ci_low is None or beyond.ci_high is None or beyond.p is None:
        return replace(effect, may_be_drift=leaves_zero_out)
    low, high = min(effect.ci_low, beyond.ci_low), max(effect.ci_high, beyond.ci_high)
    return replace(effect, ci_low=low, ci_high=high, p=max(effect.p, beyond.p), may_be_drift=leaves_zero_out and low <= 0 <= high)


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
    n, k = len(treated), int(treated.sum())
    if comb(n, k) <= MOST_PERMUTATIONS:
        chosen = np.zeros((comb(n, k), n), dtype=bool)
        for row, members in enumerate(combinations(range(n), k)):
            chosen[row, list(members)] = True
    else:
        rng = np.random.default_rng(SEED)
        drawn = np.argsort(rng.random((MOST_PERMUTATIONS, n)), axis=1) < k
        chosen = np.vstack([treated, drawn])
    weights = chosen / k - ~chosen / (n - k)
    interval = permutation_interval(
        float(outcome[treated].mean() - outcome[~treated].mean()), weights @ outcome, weights @ treated, alpha
    )
    return _permuted(effect, *interval)


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
    return replace(effect, pre_trend=gap, pre_trend_p=_permuted_arms(effect, slope, treated, 0.1).p or 1.0)


def _slopes(panel: pd.DataFrame) -> pd.DataFrame:
    """By subject with enough periods before the start: `treated`, the least-squares `slope` per period of that time, and by how
    many `steps` the middle of the periods since lies behind the middle of those before.
    """
    is_since = panel["period"] >= panel["treated_from"].min()
    before, since = panel[~is_since], panel[is_since]
    periods = before.groupby("subject")["period"]
    middle, offset = periods.mean(), before["period"] - periods.transform("mean")
    squares = (offset**2).groupby(before["subject"]).sum()
    slopes = pd.DataFrame(
        {
            "treated": before.groupby("subject")["treated_from"].first().notna(),
            "slope": (offset * before["value"]).groupby(before["subject"]).sum() / squares,
            "steps": since.groupby("subject")["period"].mean().reindex(middle.index) - middle,
        }
    )
    enough: pd.DataFrame = slopes[periods.size() >= LEAST_PRE_PERIODS]
    return enough


# -- one start after the other ---------------------------------------------------------------------------------------------------


def _staggered(panel: pd.DataFrame, alpha: float) -> Effect:
    """Imputation: subject and period means are learnt where nobody was treated yet and tell what the treated would have been.

    Borusyak, Jaravel & Spiess, Review of Economic Studies 2024. The interval comes from permuting the starts over the
    subjects, and is widened by what the same gives when a drift of those who start earlier is learnt with the means. A period in
    which nobody is left untreated cannot be judged and is left out.
    """
    values = panel.pivot(index="subject", columns="period", values="value")
    starts = panel.groupby("subject")["treated_from"].first().reindex(values.index).to_numpy(float)
    starts = np.where(np.isnan(starts), inf, starts)
    periods = values.columns.to_numpy(float)
    effect = Effect(
        "imputation",
        n_treated=int(np.isfinite(starts).sum()),
        n_control=int((~np.isfinite(starts)).sum()),
        n_periods=len(periods),
        all_treated=bool(np.isfinite(starts).all()),
    )
    if effect.n_treated == 0:
        return replace(effect, why_not="no_treated")
    y = values.to_numpy(float)
    cells = judged(y, starts[None, :], periods)[0]
    if not cells.any():
        return replace(effect, why_not="no_control")
    before = (periods < starts[:, None]) & ~np.isnan(y) & np.isfinite(starts)[:, None]
    effect = replace(effect, actual=float(y[cells].mean()), baseline=float(y[before].mean()) if before.any() else None)
    effect = _permuted_starts(effect, y, starts, periods, alpha, with_drift=False)
    effect = _staggered_pre_trend(effect, y, starts, periods)
    if effect.pre_trend is None:
        return effect
    return _widened(effect, _permuted_starts(Effect("beyond_drift"), y, starts, periods, alpha, with_drift=True))


def _permuted_starts(effect: Effect, y: Floats, starts: Floats, periods: Floats, alpha: float, *, with_drift: bool) -> Effect:
    """The imputation and the interval of permuted starts, a drift taken out beforehand (Freedman & Lane, JBES 1983)."""
    true, ones = starts[None, :], (periods >= starts[:, None]).astype(float)
    found = imputed(y, true, periods, ones, with_drift=with_drift)
    if not isfinite(found.gap[0]):
        return replace(effect, why_not="too_few_subjects")
    steady = y - found.slope[0] * drift(true, periods)[0]
    others = imputed(steady, orders(starts), periods, ones, with_drift=with_drift)
    known = np.isfinite(others.gap)
    return _permuted(effect, *permutation_interval(float(found.gap[0]), others.gap[known], others.share[known], alpha))


def _staggered_pre_trend(effect: Effect, y: Floats, starts: Floats, periods: Floats) -> Effect:
    """By how much more those rose per period, before their start, who started earlier (first against last); p from permuted
    starts.
    """
    free = ~np.isnan(y) & (periods < starts[:, None])
    free &= (free.sum(axis=1) >= LEAST_PRE_PERIODS)[:, None]
    if free.any(axis=1).sum() < LEAST_PRE_PERIODS or len(set(starts)) == 1:
        return effect
    figures = np.concatenate([np.nan_to_num(y)[None], drift(orders(starts), periods)])
    rise, *drifts = without_means(free[None], figures[None])[0] * free
    spreads = (np.array(drifts) ** 2).sum(axis=(1, 2))
    # An order that leaves no drift in these cells has no slope.
    slopes = (np.array(drifts) * rise).sum(axis=(1, 2)) / np.where(spreads > 1e-9, spreads, inf)
    p = float(np.mean(np.abs(slopes) >= abs(slopes[0]) - 1e-9))
    return replace(effect, pre_trend=float(slopes[0]), pre_trend_p=p)


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
