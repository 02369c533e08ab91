"""What a measure changed: one estimate per initiative and metric, with an interval that is honest for few units.

Data flow: a panel (subject x period) -> one number per subject (or one regression) -> effect, interval, p, pre-trend ->
verdict in words.

The panel is at the level at which the measure was given out: persons where persons were drawn, units where units were. So nobody
counts as independent who was not, which is what cluster-robust errors are for (Bertrand, Duflo & Mullainathan, QJE 2004,
section IV.C: collapse to one change per cluster). Where subjects are few, intervals come from permuting who was treated
(Fisher's exact test inverted: Imbens & Rubin, Causal Inference, 2015, chapter 5) instead of from a normal distribution that
needs many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, permutations
from math import comb, factorial, inf, isfinite

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.analysis.permutation import permutation_interval
from pipelines.analysis.series import level_shift

Floats = NDArray[np.float64]

FEW = 20  # subjects in the smaller arm, under which intervals come from permutations
MOST_PERMUTATIONS = 4_999
LEAST_PRE_PERIODS = 3  # under which there is no trend before the start to look at
LEAST_SERIES = 4  # periods on each side that a series without a control group needs
DRIFT_LEVEL = 0.90  # of the interval of the drift that few subjects leave possible
SEED = 20_260_401  # of the permutations, so that a night gives the same interval as the night before


@dataclass(frozen=True)
class Effect:
    """An estimate in the metric's own unit; None where it cannot be made.

    `baseline`: the treated before the start (with a holdout that has no period before: the control group). `actual`: the
    treated since. `effect`: actual less what would have been without the measure. `pre_trend`: by how much more the treated
    rose per period before the start than the others (without a control group: the slope of the series itself). `drift_low` and
    `drift_high`: of few subjects, the effect that a drift like the one before the start may pretend, at `DRIFT_LEVEL`.
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
    drift_low: float | None = None
    drift_high: float | None = None
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
    return _with_pre_trend(replace(effect, baseline=baseline, actual=float(since[treated].mean())), panel)


def _difference(panel: pd.DataFrame, alpha: float) -> Effect:
    """Difference in differences: the change of the treated less the change of the others, one change per subject."""
    arms = _collapse(panel).dropna()
    effect = _sizes("difference_in_differences", arms, panel)
    if effect.why_not:
        return effect
    treated = arms["treated"].to_numpy()
    change = (arms["since"] - arms["before"]).to_numpy(float)
    if effect.n_treated >= FEW and effect.n_control >= FEW:
        from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

        compared = CompareMeans(DescrStatsW(change[treated]), DescrStatsW(change[~treated]))
        low, high = compared.tconfint_diff(alpha=alpha, usevar="unequal")
        p = float(compared.ttest_ind(usevar="unequal")[1])
        shift = float(change[treated].mean() - change[~treated].mean())
        effect = replace(effect, inference="welch", effect=shift, p=p, ci_low=float(low), ci_high=float(high))
    else:
        effect = _permuted_arms(effect, change, treated, alpha)
    of_treated = arms[arms["treated"]]
    effect = replace(effect, baseline=float(of_treated["before"].mean()), actual=float(of_treated["since"].mean()))
    return _with_pre_trend(effect, panel)


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


def _with_pre_trend(effect: Effect, panel: pd.DataFrame) -> Effect:
    """Adds how the slopes of the two arms differed before the start: one slope per subject, compared by their permutations or
    by Welch.
    """
    early = panel[panel["period"] < panel["treated_from"].min()]
    slopes = _slopes(early)
    if slopes is None or slopes["treated"].nunique() < 2:
        return effect
    treated, slope = slopes["treated"].to_numpy(bool), slopes["slope"].to_numpy(float)
    gap = float(slope[treated].mean() - slope[~treated].mean())
    if min(treated.sum(), (~treated).sum()) >= FEW:
        from scipy import stats

        p = float(stats.ttest_ind(slope[treated], slope[~treated], equal_var=False).pvalue)
        return replace(effect, pre_trend=gap, pre_trend_p=p)
    few = _permuted_arms(Effect("slopes"), slope, treated, 1 - DRIFT_LEVEL)
    given = panel[panel["treated_from"].notna()]
    is_since = given["period"] >= given["treated_from"]
    steps = float(given.loc[is_since, "period"].mean() - given.loc[~is_since, "period"].mean())
    low, high = (-inf, inf) if few.ci_low is None or few.ci_high is None else (few.ci_low, few.ci_high)
    return replace(effect, pre_trend=gap, pre_trend_p=few.p or 1.0, drift_low=low * steps, drift_high=high * steps)


def _slopes(early: pd.DataFrame) -> pd.DataFrame | None:
    """The least-squares slope per period of every subject with enough periods; None when nobody has."""
    rows = [
        (
            pd.notna(one["treated_from"].iloc[0]),
            float(np.polyfit(one["period"].to_numpy(float), one["value"].to_numpy(float), 1)[0]),
        )
        for _, one in early.groupby("subject")
        if len(one) >= LEAST_PRE_PERIODS
    ]
    return pd.DataFrame(rows, columns=["treated", "slope"]) if rows else None


# -- one start after the other ---------------------------------------------------------------------------------------------------


def _staggered(panel: pd.DataFrame, alpha: float) -> Effect:
    """Imputation: subject and period means are learnt where nobody was treated yet and tell what the treated would have been.

    Borusyak, Jaravel & Spiess, Review of Economic Studies 2024. The interval comes from permuting the starts over the
    subjects. A period in which nobody is left untreated cannot be judged and is left out.
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
    found = _imputed(y, starts, periods, np.zeros_like(y))
    if found is None:
        return replace(effect, why_not="no_control")
    treated_cells = (periods[None, :] >= starts[:, None]).astype(float)
    others, shares = [], []
    for order in _orders(len(starts)):
        other = _imputed(y, starts[order], periods, treated_cells)
        if other is not None:
            others.append(other[0])
            shares.append(other[1])
    interval = permutation_interval(found[0], np.array(others), np.array(shares), alpha)
    since = treated_cells.astype(bool) & ~np.isnan(y) & np.isfinite(starts)[:, None]
    before = ~treated_cells.astype(bool) & ~np.isnan(y) & np.isfinite(starts)[:, None]
    effect = replace(effect, actual=float(y[since & found[2]].mean()), baseline=float(y[before].mean()) if before.any() else None)
    effect = _permuted(effect, *interval)
    return _staggered_pre_trend(effect, y, starts, periods)


def _imputed(y: Floats, starts: Floats, periods: Floats, other: Floats) -> tuple[float, float, NDArray[np.bool_]] | None:
    """Mean of treated cells less their prediction, for `y` and for `other`, and which cells could be judged; None when none
    could.
    """
    known = ~np.isnan(y)
    treated = (periods[None, :] >= starts[:, None]) & known
    free = known & ~treated
    judged = np.logical_and(treated, np.logical_and.outer(free.any(axis=1), free.any(axis=0)))
    if not judged.any():
        return None
    gaps = [float((cells - of_both)[judged].mean()) for cells, of_both in zip((y, other), _two_way(free, y, other), strict=True)]
    return gaps[0], gaps[1], judged


def _two_way(cells: NDArray[np.bool_], *values: Floats) -> list[Floats]:
    """Subject mean plus period mean in every cell, learnt by least squares from `cells` alone, for each of `values`.

    By the normal equations, whose size is subjects + periods: a thousand permutations need it a thousand times.
    """
    n = len(cells)
    seen = cells.astype(float)
    known = [np.where(cells, one, 0.0) for one in values]
    left = np.block([[np.diag(seen.sum(axis=1)), seen], [seen.T, np.diag(seen.sum(axis=0))]])
    right = np.column_stack([np.concatenate([one.sum(axis=1), one.sum(axis=0)]) for one in known])
    # All of a subject up, all of the periods down is the same prediction: the ridge picks one of these, and nobody is the wiser.
    means = np.linalg.solve(left + 1e-9 * np.eye(len(left)), right)
    return [means[:n, place][:, None] + means[n:, place][None, :] for place in range(len(values))]


def _orders(n: int) -> list[list[int]]:
    """All orders of n subjects, or as many drawn ones as a night can afford; the true one is the first."""
    if n <= 6:
        return [list(order) for order in permutations(range(n))]
    rng = np.random.default_rng(SEED)
    most = min(999, factorial(n) - 1)
    return [list(range(n)), *(rng.permutation(n).tolist() for _ in range(most))]


def _staggered_pre_trend(effect: Effect, y: Floats, starts: Floats, periods: Floats) -> Effect:
    """By how much more those rose per period, before their start, who started earlier (first against last); p from permuted
    starts.
    """
    enough = np.array(
        [(~np.isnan(row) & (periods < start)).sum() >= LEAST_PRE_PERIODS for row, start in zip(y, starts, strict=True)]
    )
    if enough.sum() < LEAST_PRE_PERIODS:
        return effect
    latest = np.where(np.isfinite(starts), starts, periods.max() + 1)
    if latest.max() == latest.min():
        return effect
    earliness = (latest.max() - latest) / (latest.max() - latest.min())
    free = ~np.isnan(y) & (periods[None, :] < starts[:, None]) & enough[:, None]
    drifts = [earliness[order][:, None] * periods[None, :] for order in _orders(len(starts))]
    rise, own, *others = _without_means(free, y, drifts[0], *drifts)
    spreads = np.array([float((one**2).sum()) for one in others])
    flat = np.maximum(spreads, 1e-9)  # an order that leaves no drift in these cells has no slope
    slopes, shares = (
        np.where(spreads > 1e-9, np.array([float((of * one).sum()) for one in others]) / flat, 0.0) for of in (rise, own)
    )
    # What the imputation would call an effect if nothing but this drift, of one unit per period, were in the panel.
    pretended = _imputed(y, starts, periods, drifts[0])
    _, low, high, p = permutation_interval(float(slopes[0]), slopes, shares, 1 - DRIFT_LEVEL)
    ends = sorted(end * (pretended[1] if pretended else inf) for end in (low, high))
    return replace(effect, pre_trend=float(slopes[0]), pre_trend_p=p, drift_low=ends[0], drift_high=ends[1])


def _without_means(cells: NDArray[np.bool_], *values: Floats) -> list[Floats]:
    """What subject and period means leave of each of `values`, in `cells`."""
    return [np.where(cells, one - means, 0.0) for one, means in zip(values, _two_way(cells, *values), strict=True)]


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
