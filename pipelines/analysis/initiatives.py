"""All initiatives and metrics of a night: panels in, estimates and verdicts out, one row each."""

from __future__ import annotations

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
COLUMNS: dict[str, str] = {
    "initiative_key": "string",
    "metric_code": "string",
    "is_target": "boolean",
    "method": "string",
    "inference": "string",
    **dict.fromkeys(("baseline", "actual", "effect", "relative_effect", "ci_low", "ci_high", "p_value"), "float64"),
    **dict.fromkeys(("n_treated", "n_control", "n_periods"), "Int64"),
    **dict.fromkeys(("pre_trend", "pre_trend_p"), "float64"),
    "verdict": "string",
    "reason_en": "string",
    "reason_ja": "string",
}


def initiative_effects(
    panels: pd.DataFrame, initiatives: pd.DataFrame, metrics: pd.DataFrame, *, smallest_group: int
) -> pd.DataFrame:
    """One row per initiative and metric, the target metric always among them; columns as `COLUMNS`.

    Args:
        panels: `initiative_key`, `metric_code`, `subject_key`, `period`, `treated_from`, `persons_n`, `value`.
        initiatives: `initiative_key`, `metric_code`, `design`, `audience`.
        metrics: `metric_code`, `direction`.
        smallest_group: an arm of fewer employees than this is not spoken of.
    """
    better = dict(zip(metrics["metric_code"], metrics["direction"], strict=True))
    by_metric = {(str(key), str(code)): panel for (key, code), panel in panels.groupby(["initiative_key", "metric_code"])}
    rows = []
    for initiative in initiatives.sort_values("initiative_key").itertuples(index=False):
        key, target = str(initiative.initiative_key), str(initiative.metric_code)
        codes = sorted({code for known, code in by_metric if known == key} | {target}, key=lambda code: (code != target, code))
        for code in codes:
            panel = by_metric.get((key, code))
            effect = Effect(METHODS[str(initiative.design)], why_not="unknown_metric" if code not in better else "no_values")
            if panel is not None:
                effect = estimate(panel.rename(columns={"subject_key": "subject"}), str(initiative.design))
                if initiative.audience == "employee" and _smallest_arm(panel) < smallest_group:
                    effect = Effect(effect.method, why_not="suppressed")
            direction = better.get(code, "up")
            rows.append(_row(key, code, code == target, effect, str(initiative.design), direction))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _smallest_arm(panel: pd.DataFrame) -> float:
    """Persons behind the smaller arm in its thinnest period."""
    arms = panel.assign(arm=panel["treated_from"].notna()).groupby(["arm", "period"])["persons_n"].sum()
    return float(arms.min())


def _row(key: str, code: str, is_target: bool, effect: Effect, design: str, direction: str) -> dict[str, Any]:
    judged = verdict(effect, design, direction)
    return {
        "initiative_key": key,
        "metric_code": code,
        "is_target": is_target,
        "method": effect.method,
        "inference": effect.inference,
        "baseline": effect.baseline,
        "actual": effect.actual,
        "effect": effect.effect,
        "relative_effect": effect.relative,
        "ci_low": effect.ci_low,
        "ci_high": effect.ci_high,
        "p_value": effect.p,
        "n_treated": effect.n_treated,
        "n_control": effect.n_control,
        "n_periods": effect.n_periods,
        "pre_trend": effect.pre_trend,
        "pre_trend_p": effect.pre_trend_p,
        "verdict": judged.code,
        "reason_en": judged.reason_en,
        "reason_ja": judged.reason_ja,
    }
