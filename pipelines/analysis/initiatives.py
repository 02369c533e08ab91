"""All initiatives and metrics of a night: panels in, estimates and verdicts out, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipelines.analysis.effects import Effect, estimate
from pipelines.analysis.verdicts import verdict

METHODS = {
    "holdout": "cuped",
    "diff_in_diff": "comparative_series",
    "staggered": "comparative_series",
    "before_after": "interrupted_series",
}
EMPLOYEES = ("employee", "org_unit")  # types of subjects whose events are those of employees
ESTIMATE: dict[str, str] = {
    "method": "string",
    "inference": "string",
    **dict.fromkeys(("baseline", "actual", "effect", "relative_effect", "ci_low", "ci_high", "p_value"), "float64"),
    **dict.fromkeys(("relative_ci_low", "relative_ci_high"), "float64"),
    **dict.fromkeys(("n_treated", "n_control", "n_periods"), "Int64"),
    **dict.fromkeys(("pre_trend", "pre_trend_p", "exposure", "person_periods_before", "person_periods"), "float64"),
    **dict.fromkeys(("verdict", "reason_code", "reason_en", "reason_ja", "suppress_reason"), "string"),
}
COLUMNS: dict[str, str] = {"initiative_key": "string", "metric_code": "string", "is_target": "boolean", **ESTIMATE}
CYCLE_COLUMNS: dict[str, str] = {"initiative_key": "string", "cycle": "Int64", **ESTIMATE}


def initiative_effects(panels: pd.DataFrame, initiatives: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per initiative and metric, the target metric always among them; columns as `COLUMNS`.

    Args:
        panels: `initiative_key`, `metric_code`, `subject_key`, `subject_type`, `period`, `treated_from`, `aggregation`,
            `persons_n`, `value`, and `suppress_reason` where it is left out because employees might be recognised.
        initiatives: `initiative_key`, `metric_code`, `design`.
        metrics: `metric_code`, `direction`.
    """
    by_metric = _by_metric(panels)
    better = _directions(metrics)
    rows = []
    for initiative in _sorted(initiatives):
        key, target = str(initiative.initiative_key), str(initiative.metric_code)
        codes = sorted({code for known, code in by_metric if known == key} | {target}, key=lambda code: (code != target, code))
        for code in codes:
            judged = _judge(by_metric.get((key, code)), initiative, code, better)
            rows.append({"initiative_key": key, "metric_code": code, "is_target": code == target, **judged})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def cycle_effects(panels: pd.DataFrame, initiatives: pd.DataFrame, cycles: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
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
            rows.append({"initiative_key": key, "cycle": cycle, **_judge(known, initiative, target, better)})
    return pd.DataFrame(rows, columns=list(CYCLE_COLUMNS)).astype(CYCLE_COLUMNS)


def _by_metric(panels: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Subjects by their places in the alphabet: numbers are grouped and sorted faster than names, and in the same order."""
    numbered = panels.assign(subject_key=pd.factorize(panels["subject_key"], sort=True)[0])
    return {(str(key), str(code)): panel for (key, code), panel in numbered.groupby(["initiative_key", "metric_code"])}


def _directions(metrics: pd.DataFrame) -> dict[str, str]:
    return dict(zip(metrics["metric_code"], metrics["direction"], strict=True))


def _sorted(initiatives: pd.DataFrame) -> Iterator[Any]:
    return iter(initiatives.sort_values("initiative_key").itertuples(index=False))


def _judge(panel: pd.DataFrame | None, initiative: Any, code: str, better: dict[str, str]) -> dict[str, Any]:
    """Estimate and verdict of one panel (None: there is none) as the columns of `ESTIMATE`."""
    design = str(initiative.design)
    effect = Effect(METHODS[design], why_not="unknown_metric" if code not in better else "no_values")
    exposure: float | None = None
    person_periods: tuple[float | None, float | None] = (None, None)
    known = None if panel is None else panel[panel["value"].notna()]
    if known is not None and (known["period"] >= 0).any():
        effect = estimate(known.rename(columns={"subject_key": "subject"}), design)
        exposure = _exposure(known, is_since=True)
        if known["subject_type"].isin(EMPLOYEES).all() and (known["aggregation"] == "sum").all():
            person_periods = (_exposure(known, is_since=False) or exposure, exposure)
    hidden = None if panel is None else panel["suppress_reason"].dropna().min()
    is_suppressed = effect.effect is None and isinstance(hidden, str)
    if is_suppressed:
        effect = Effect(METHODS[design], why_not="suppressed")
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
        "person_periods_before": person_periods[0],
        "person_periods": person_periods[1],
        "verdict": judged.code,
        "reason_code": judged.why,
        "reason_en": judged.reason_en,
        "reason_ja": judged.reason_ja,
        "suppress_reason": hidden if is_suppressed else None,
    }


def _exposure(panel: pd.DataFrame, *, is_since: bool) -> float | None:
    """How often the treated had the effect: of a sum per person and period, persons times periods since their start; of a mean,
    persons. Or the same of the time before it.

    Accounts have no persons: each counts as one.
    """
    treated = panel[panel["treated_from"].notna()]
    side = treated[(treated["period"] >= treated["treated_from"]).astype(bool) == is_since]
    heads = side["persons_n"].where(side["persons_n"] > 0).fillna(1).groupby(side["period"]).sum()
    if heads.empty:
        return None
    return float(heads.sum() if (panel["aggregation"] == "sum").all() else heads.mean())
