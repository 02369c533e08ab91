"""From an estimate to a verdict and its reason in words, English and Japanese. Rules only, no judgement of the day."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.analysis.effects import Effect

PRE_TREND_P = 0.10  # under which a difference of the trends before the start is spoken of as seen


class Verdict(NamedTuple):
    """`code` is one of supported, suggestive, inconclusive, contradicted, not_testable; `why` names its reason."""

    code: str
    why: str
    reason_en: str
    reason_ja: str


WHY_NOT = {
    "no_control": ("Nobody was left without the measure to compare with.", "比較対象（未実施の人・組織）がありません。"),
    "no_treated": ("Nobody with the measure has values of this metric.", "実施対象にこの指標の値がありません。"),
    "too_few_subjects": (
        "Too few people or units: even by chance alone their split could look like this.",
        "人・組織の数が少なすぎ、偶然と区別できません。",
    ),
    "too_few_periods": (
        "Fewer than four periods before or since the start.",
        "開始前または開始後の期間が4期に足りません。",
    ),
    "no_values": (
        "There are no values of this metric for the people or units of the plan.",
        "計画の対象にこの指標の値がありません。",
    ),
    "unknown_metric": ("This metric is not measured per person or unit.", "この指標は対象（人・組織）別に測定していません。"),
    "suppressed": ("The figures could tell of a few employees.", "少人数の従業員が推測されうるため表示しません。"),
}
DESIGN_EN = {"holdout": "a control group", "diff_in_diff": "a comparison group", "staggered": "later starters"}
DESIGN_JA = {"holdout": "対照群", "diff_in_diff": "比較群", "staggered": "後から開始した組織"}


def verdict(effect: Effect, design: str, direction: str) -> Verdict:
    """What may be claimed. `direction` is the metric's better way, `up` or `down`.

    - not_testable: no estimate; inconclusive: the interval holds 0, or without the trends lies on another side;
    - contradicted: the interval lies on the worse side;
    - suggestive: it lies on the better side, but nobody was left without the measure for the whole time, or the time before the
      start cannot show that arms that were not drawn moved alike;
    - supported: it lies on the better side of a comparison with others.
    """
    if effect.effect is None or effect.ci_low is None or effect.ci_high is None:
        why = effect.why_not or "no_values"
        return Verdict("not_testable", why, *WHY_NOT[why])
    if effect.may_be_drift:
        if effect.pre_trend_p is not None and effect.pre_trend_p < PRE_TREND_P:
            return Verdict(
                "inconclusive",
                "drifting",
                "The groups were already drifting apart before the start, which may explain it.",
                "開始前から両群の傾向が異なっており、それだけで説明できる可能性があります。",
            )
        return Verdict(
            "inconclusive",
            "may_be_drift",
            "It moved apart from the others, but bit by bit, not at the start: by a drift, or by an effect that grows.",
            "他との差は開きましたが、開始時点ではなく徐々に開いており、傾向の差か、徐々に現れる効果か区別できません。",
        )
    if effect.ci_low <= 0 <= effect.ci_high:
        return Verdict(
            "inconclusive",
            "holds_zero",
            "The interval holds zero: chance alone may explain it.",
            "信頼区間が0を含み、偶然でも説明できます。",
        )
    if (effect.effect > 0) != (direction == "up"):
        return Verdict(
            "contradicted", "worse", "The metric got worse than without the measure.", "施策が無い場合より悪化しています。"
        )
    if effect.all_treated:
        return Verdict(
            "suggestive",
            "all_treated",
            "It moved the right way, but all were treated: something else at that time may have done it.",
            "望ましい方向に動きましたが、全員が対象のため同時期の別の要因を除けません。",
        )
    if design in ("diff_in_diff", "staggered") and effect.pre_trend_p is None:
        return Verdict(
            "suggestive",
            "no_pre_trend",
            f"Better than {DESIGN_EN[design]}, but the time before the start is too short to see whether they moved alike.",
            f"{DESIGN_JA[design]}より改善しましたが、開始前の期間が短く、同じ動きだったか確認できません。",
        )
    return Verdict(
        "supported",
        "better",
        f"Better than {DESIGN_EN[design]}, and the interval leaves zero out.",
        f"{DESIGN_JA[design]}と比べて改善し、信頼区間は0を含みません。",
    )
