"""How long customers of each engagement tier stay: Kaplan-Meier curves and restricted mean tenure.

Sources: Kaplan & Meier, JASA 53 (1958); variance by Greenwood (1926); restricted mean: Royston & Parmar, BMC Medical Research
Methodology 13:152 (2013); tiers are fixed at a landmark, before the tenure that is looked at: Anderson, Cain & Gelber, Journal of
Clinical Oncology 1 (1983).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STEP_DAYS = 30
TIERS = ("high", "middle", "low")
COLUMNS = (
    "landmark_date", "tier", "days_since", "customers", "lost", "at_risk", "survival", "ci_low", "ci_high", "horizon_days",
    "mean_days", "mean_days_ci_low", "mean_days_ci_high", "ratio_to_low", "ratio_ci_low", "ratio_ci_high",
)  # fmt: skip


class Curve(NamedTuple):
    """A Kaplan-Meier curve at the days on which somebody was lost: survival and Greenwood's standard error after each."""

    days: NDArray[np.float64]
    survival: NDArray[np.float64]
    error: NDArray[np.float64]
    at_risk: NDArray[np.float64]
    lost: NDArray[np.float64]


def kaplan_meier(days: NDArray[np.float64], is_lost: NDArray[np.bool_]) -> Curve:
    """The curve of `days` (n,) until lost, or until last seen where not `is_lost`; empty arrays when nobody was lost."""
    from statsmodels.duration.survfunc import SurvfuncRight

    if not is_lost.any():
        return Curve(*(np.array([]) for _ in range(5)))
    fitted = SurvfuncRight(days, is_lost.astype(int))
    return Curve(
        np.asarray(fitted.surv_times, dtype=float),
        np.asarray(fitted.surv_prob, dtype=float),
        # Once everybody is lost Greenwood's sum divides by nobody: nothing is left to be uncertain about.
        np.nan_to_num(np.asarray(fitted.surv_prob_se, dtype=float)),
        np.asarray(fitted.n_risk, dtype=float),
        np.asarray(fitted.n_events, dtype=float),
    )


def restricted_mean(curve: Curve, horizon: float) -> tuple[float, float]:
    """Mean days within `horizon`, and its standard error: the area under the curve."""
    is_within = curve.days < horizon
    days, lost, at_risk = curve.days[is_within], curve.lost[is_within], curve.at_risk[is_within]
    steps = np.concatenate([[1.0], curve.survival[is_within]])
    widths = np.diff(np.concatenate([[0.0], days, [horizon]]))
    areas = steps * widths
    left = np.cumsum(areas[::-1])[::-1][1:]  # area from each loss to the horizon
    remaining = at_risk - lost
    terms = np.where(remaining > 0, left**2 * lost / (at_risk * np.where(remaining > 0, remaining, 1)), 0.0)
    return float(areas.sum()), float(np.sqrt(terms.sum()))


def retention_by_tier(subjects: pd.DataFrame, *, least_customers: int, z: float) -> pd.DataFrame:
    """Curves and restricted means of every landmark and tier.

    `subjects` has one row per landmark and customer: `landmark_date`, `tier`, `tenure_days` (from the landmark to the loss, or to
    the last day of the data), `is_lost`, `horizon_days` (from the landmark to the last day of the data). Returns `COLUMNS`, a row
    for every 30 days up to the horizon; estimates are empty where a tier has fewer than `least_customers`. Intervals of a curve
    are on the log-minus-log scale (Kalbfleisch & Prentice), of a ratio on the log scale.
    """
    rows: list[dict[str, object]] = []
    for landmark, of_landmark in subjects.groupby("landmark_date", sort=True):
        horizon = float(of_landmark["horizon_days"].max())
        curves = {}
        for tier in TIERS:
            members = of_landmark[of_landmark["tier"] == tier]
            if len(members) >= least_customers:
                curves[tier] = kaplan_meier(members["tenure_days"].to_numpy(float), members["is_lost"].to_numpy(bool))
        means = {tier: restricted_mean(curve, horizon) for tier, curve in curves.items()}
        for tier in TIERS:
            members = of_landmark[of_landmark["tier"] == tier]
            if members.empty:
                continue
            shared = {
                "landmark_date": landmark,
                "tier": tier,
                "customers": len(members),
                "lost": int(members["is_lost"].sum()),
                "horizon_days": int(horizon),
                **_mean(means, tier, z),
            }
            for day in range(0, int(horizon) + 1, STEP_DAYS):
                at_risk = int((members["tenure_days"] >= day).sum())
                rows.append({**shared, "days_since": day, "at_risk": at_risk, **_point(curves.get(tier), day, z)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _point(curve: Curve | None, day: int, z: float) -> dict[str, float | None]:
    if curve is None:
        return {"survival": None, "ci_low": None, "ci_high": None}
    place = int(np.searchsorted(curve.days, day, side="right")) - 1
    if place < 0:
        return {"survival": 1.0, "ci_low": 1.0, "ci_high": 1.0}
    survival, error = float(curve.survival[place]), float(curve.error[place])
    if not 0 < survival < 1:
        return {"survival": survival, "ci_low": survival, "ci_high": survival}
    half = z * error / (survival * abs(np.log(survival)))
    return {"survival": survival, "ci_low": survival ** np.exp(half), "ci_high": survival ** np.exp(-half)}


def _mean(means: dict[str, tuple[float, float]], tier: str, z: float) -> dict[str, float | None]:
    empty: dict[str, float | None] = dict.fromkeys(COLUMNS[10:])
    if tier not in means:
        return empty
    mean, error = means[tier]
    empty |= {"mean_days": mean, "mean_days_ci_low": mean - z * error, "mean_days_ci_high": mean + z * error}
    if "low" in means and tier != "low" and means["low"][0] > 0 and mean > 0:
        low, low_error = means["low"]
        spread = np.exp(z * np.hypot(error / mean, low_error / low))
        empty |= {"ratio_to_low": mean / low, "ratio_ci_low": mean / low / spread, "ratio_ci_high": mean / low * spread}
    return empty
