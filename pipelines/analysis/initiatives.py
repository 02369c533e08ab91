"""All initiatives and metrics of a night: panels in, estimates and verdicts out, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipelines.analysis.effects import Effect, estimate
from pipelines.analysis.verdicts import verdict

METHODS = {
    "holdout": "cuped",
    "diff_in_diff": "difference_in_differences",
    "staggered": "imputation",
    "before_after": "interrupted_series",
}
ESTIMATE: dict[str, str] = {
    "method": "string",
    "inference": "string",
    **dict.fromkeys(("baseline", "actual", "effect", "relative_effect", "ci_low", "ci_high", "p_value"), "float64"),
    **dict.fromkeys(("relative_ci_low", "relative_ci_high"), "float64"),
    **dict.fromkeys(("n_treated", "n_control", "n_periods"), "Int64"),
    **dict.fromkeys(("pre_trend", "pre_trend_p", "exposure"), "float64"),
    **dict.fromkeys(("verdict", "reason_code", "reason_en", "reason_ja"), "string"),
}
COLUMNS: dict[str, str] = {"initiative_key": "string", "metric_code": "string", "is_target": "boolean", **ESTIMATE}
CYCLE_COLUMNS: dict[str, str] = {"initiative_key": "string", "cycle": "Int64", **ESTIMATE}


def initiative_effects(
    panels: pd.DataFrame, initiatives: pd.DataFrame, metrics: pd.DataFrame, *, smallest_group: int
) -> pd.DataFrame:
    """One row per initiative and metric, the target metric always among them; columns as `COLUMNS`.

    Args:
        panels: `initiative_key`, `metric_code`, `subject_key`, `period`, `treated_from`, `aggregation`, `persons_n`, `value`.
        initiatives: `initiative_key`, `metric_code`, `design`, `audience`.
        metrics: `metric_code`, `direction`.
        smallest_group: an arm of fewer employees than this is not spoken of.
    """
    by_metric = _by_metric(panels)
    better = _directions(metrics)
    rows = []
    for initiative in _sorted(initiatives):
        key, target = str(initiative.initiative_key), str(initiative.metric_code)
        codes = sorted({code for known, code in by_metric if known == key} | {target}, key=lambda code: (code != target, code))
        for code in codes:
            judged = _judge(by_metric.get((key, code)), initiative, code, better, smallest_group)
            rows.append({"initiative_key": key, "metric_code": code, "is_target": code == target, **judged})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def cycle_effects(
    panels: pd.DataFrame, initiatives: pd.DataFrame, cycles: pd.DataFrame, metrics: pd.DataFrame, *, smallest_group: int
) -> pd.DataFrame:
    """One row per initiative and cycle: its target metric, judged by what was known at the end of the cycle; `CYCLE_COLUMNS`.

    `cycles` has `initiative_key`, `cycle`, `last_period`; the others as for `initiative_effects`.
    """
    by_metric = _by_metric(panels)
    better = _directions(metrics)
    rows = []
    for initiative in _sorted(initiatives):
        key, target = str(initiative.initiative_key), str(initiative.metric_code)
        panel = by_metric.get((key, target))
        own = cycles[cycles["initiative_key"] == key].sort_values("cycle")
        for cycle, last in zip(own["cycle"], own["last_period"], strict=True):
            known = None if panel is None else panel[panel["period"] <= last]
            rows.append({"initiative_key": key, "cycle": cycle, **_judge(known, initiative, target, better, smallest_group)})
    return pd.DataFrame(rows, columns=list(CYCLE_COLUMNS)).astype(CYCLE_COLUMNS)


def _by_metric(panels: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    return {(str(key), str(code)): panel for (key, code), panel in panels.groupby(["initiative_key", "metric_code"])}


def _directions(metrics: pd.DataFrame) -> dict[str, str]:
    return dict(zip(metrics["metric_code"], metrics["direction"], strict=True))


def _sorted(initiatives: pd.DataFrame) -> Iterator[Any]:
    return iter(initiatives.sort_values("initiative_key").itertuples(index=False))


def _judge(panel: pd.DataFrame | None, initiative: Any, code: str, better: dict[str, str], smallest_group: int) -> dict[str, Any]:
    """Estimate and verdict of one panel (None: there is none) as the columns of `ESTIMATE`."""
    design = str(initiative.design)
    effect, exposure = Effect(METHODS[design], why_not="unknown_metric" if code not in better else "no_values"), None
    if panel is not None and (panel["period"] >= 0).any():
        effect, exposure = estimate(panel.rename(columns={"subject_key": "subject"}), design), _exposure(panel)
        if initiative.audience == "employee" and _smallest_arm(panel) < smallest_group:
            effect = Effect(effect.method, why_not="suppressed")
    judged = verdict(effect, design, better.get(code, "up"))
    return {
        "method": effect.method,
        "inference": effect.inference,
        "baseline": effect.baseline,
        "actual": effect.actual,
        "effect": effect.effect,
        "relative_effect": effect.share(effect.effect),
        "ci_low": effect.ci_low,
        "ci_high": effect.ci_high,
        "p_value": effect.p,
        "relative_ci_low": effect.share(effect.ci_low),
        "relative_ci_high": effect.share(effect.ci_high),
        "n_treated": effect.n_treated,
        "n_control": effect.n_control,
        "n_periods": effect.n_periods,
        "pre_trend": effect.pre_trend,
        "pre_trend_p": effect.pre_trend_p,
        "exposure": exposure,
        "verdict": judged.code,
        "reason_code": judged.why,
        "reason_en": judged.reason_en,
        "reason_ja": judged.reason_ja,
    }


def _smallest_arm(panel: pd.DataFrame) -> float:
    """Persons behind the smaller arm in its thinnest period."""
    arms = panel.assign(arm=panel["treated_from"].notna()).groupby(["arm", "period"])["persons_n"].sum()
    return float(arms.min())


def _exposure(panel: pd.DataFrame) -> float | None:
    """How often the effect was had: of a sum per person and period, persons times periods since their start; of a mean, persons.

    Accounts have no persons: each counts as one.
    """
    since = panel[(panel["period"] >= panel["treated_from"]).fillna(False).astype(bool)]
    heads = since["persons_n"].where(since["persons_n"] > 0).fillna(1).groupby(since["period"]).sum()
    if heads.empty:
        return None
    return float(heads.sum() if (panel["aggregation"] == "sum").all() else heads.mean())
