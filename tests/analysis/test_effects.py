"""Effects of measures on panels that can be checked by head, and the claims that may be made of them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import GLS, OLS

from pipelines.analysis.effects import Effect, estimate
from pipelines.analysis.initiatives import COLUMNS, initiative_effects
from pipelines.analysis.series import level_shift
from pipelines.analysis.shifts import of_orders
from pipelines.analysis.verdicts import WHY_NOT, verdict
from tests.bench.coverage_of_effects import Case, rows


def panel(*subjects: tuple[float | None, list[float]], first: int = 0) -> pd.DataFrame:
    """One subject per pair of its first treated period (None: control) and its values from period `first` on."""
    return pd.DataFrame(
        [
            {"subject": number, "period": first + step, "treated_from": math.nan if start is None else start, "value": value}
            for number, (start, values) in enumerate(subjects)
            for step, value in enumerate(values)
        ]
    )


def two_arms(treated: list[list[float]], control: list[list[float]], start: int = 1) -> pd.DataFrame:
    return panel(*((start, values) for values in treated), *((None, values) for values in control))


# -- what cannot be said
# -----------------------------------------------------------------------------------------------------------


def test_without_a_control_group_a_difference_is_not_made() -> None:
    effect = estimate(two_arms([[1, 2], [1, 3]], []), "diff_in_diff")
    assert (effect.effect, effect.why_not, effect.all_treated) == (None, "no_control", True)
    assert verdict(effect, "diff_in_diff", "up").code == "not_testable"


def test_two_against_two_are_too_few_for_any_interval_at_95_percent() -> None:
    effect = estimate(two_arms([[0, 9], [0, 8]], [[0, 1], [0, 2]]), "diff_in_diff")
    assert (effect.effect, effect.ci_low, effect.why_not) == (None, None, "too_few_subjects")


def test_three_periods_before_a_start_are_too_few_for_a_series() -> None:
    assert estimate(panel((3, [1, 2, 3, 4, 5, 6, 7])), "before_after").why_not == "too_few_periods"


def test_an_unknown_design_is_named() -> None:
    with pytest.raises(
        ValueError, match="there is no design 'gut_feeling'; there are holdout, diff_in_diff, staggered, before_after"
    ):
        estimate(two_arms([[1, 2]], [[1, 2]]), "gut_feeling")


def test_every_reason_for_not_testing_has_words_in_both_languages() -> None:
    for code, (english, japanese) in WHY_NOT.items():
        assert verdict(Effect("cuped", why_not=code), "holdout", "up") == ("not_testable", code, english, japanese)
        assert english.isascii()
        assert not japanese.isascii()


# -- estimates by head
# -------------------------------------------------------------------------------------------------------------


def test_a_difference_in_differences_is_the_change_of_the_treated_less_that_of_the_others() -> None:
    # The treated rise by 4 on average (3, 4, 4, 5), the others by 1.
    effect = estimate(
        two_arms([[1, 4], [2, 6], [3, 7], [4, 9]], [[5, 6], [1, 2], [2, 3], [8, 9]]),
        "diff_in_diff",
    )
    assert effect.effect == pytest.approx(3.0)
    assert (effect.baseline, effect.actual) == (2.5, 6.5)
    assert (effect.n_treated, effect.n_control, effect.inference) == (4, 4, "permutation")
    # Of the 70 ways to choose 4 of 8 only two are as extreme: this one and its mirror image.
    assert effect.p == pytest.approx(2 / 70)
    assert effect.ci_low is not None
    assert effect.ci_low > 0


def test_a_holdout_takes_off_what_the_time_before_explains() -> None:
    # Both arms follow their own past one to one; the treated come out 2 above it. The plain difference of the means would be 2
    # + 5.
    rng = np.random.default_rng(3)
    past = rng.normal(10, 3, 60)
    past[:30] += 5
    noise = rng.normal(0, 0.1, 60)
    effect = estimate(
        two_arms(
            [[x, x + 2 + e] for x, e in zip(past[:30], noise[:30], strict=True)],
            [[x, x + e] for x, e in zip(past[30:], noise[30:], strict=True)],
        ),
        "holdout",
    )
    assert effect.method == "cuped"
    assert effect.effect == pytest.approx(2.0, abs=0.1)
    assert effect.ci_low == pytest.approx(effect.effect, abs=0.15)


def test_a_holdout_without_a_past_is_the_plain_difference_of_the_means() -> None:
    effect = estimate(two_arms([[3], [5]] * 10, [[1], [3]] * 10, start=0), "holdout")
    assert (effect.method, effect.inference) == ("difference_of_means", "robust")
    assert effect.effect == pytest.approx(2.0)
    # HC3 for two groups of n is the variance of each mean with n - 1 twice over: 2 * 20/20 / 19 ... by head: sqrt(2 * (20 / 19
    # / 19)).
    assert effect.ci_high is not None
    assert effect.ci_low is not None
    assert effect.ci_high - effect.ci_low == pytest.approx(2 * 2.0244 * math.sqrt(2 * 20 / 19 / 19), rel=1e-3)


def test_a_staggered_start_compares_with_those_who_have_not_begun() -> None:
    # Levels 0, 10, 20, 30, a common wave of 0, 1, 2, 3, 4 and an effect of exactly 5 from each one's own start.
    wave = [0, 1, 2, 3, 4]
    subjects = [
        (start, [level + w + (5 if t >= start else 0) for t, w in enumerate(wave)])
        for level, start in ((0, 1), (10, 2), (20, 3), (30, 4))
    ]
    effect = estimate(panel(*subjects), "staggered")
    assert effect.effect == pytest.approx(5.0)
    assert effect.all_treated  # so the claim stays modest
    assert verdict(effect, "staggered", "up").code == "suggestive"
    assert effect.p == pytest.approx(1 / 24)  # of the 24 orders in which they might have begun none is as extreme


def test_an_interrupted_series_finds_the_shift_beside_the_trend() -> None:
    rng = np.random.default_rng(5)
    values = [0.5 * t + (7 if t >= 10 else 0) + float(rng.normal(0, 0.3)) for t in range(20)]
    effect = estimate(panel((10, values)), "before_after")
    assert effect.effect == pytest.approx(7.0, abs=1.0)
    assert verdict(effect, "before_after", "up").code == "suggestive"
    assert verdict(effect, "before_after", "down").code == "contradicted"


WIGGLES = (0.0, 0.1, 0.2, 0.3)


def rising(step: float, effect: float = 0.0, start: int = 4) -> list[list[float]]:
    """Four subjects over eight periods that rise by `step` each, a little unlike each other, and have an effect from `start`."""
    return [[step * t + (effect if t >= start else 0.0) + wiggle * (t % 2) for t in range(8)] for wiggle in WIGGLES]


def test_a_drift_from_before_the_start_is_no_effect() -> None:
    """The treated rise by 1 per period more than the others: after 4 periods that looks like 4, and is 0 beside the trends."""
    effect = estimate(two_arms(rising(1), rising(0), start=4), "diff_in_diff")
    assert (effect.method, effect.pre_trend) == ("comparative_series", pytest.approx(1.0, abs=1e-9))
    assert [effect.effect, effect.ci_low, effect.ci_high] == pytest.approx([0.0, 0.0, 0.0], abs=0.25)
    assert effect.may_be_drift  # the plain change is 4
    assert verdict(effect, "diff_in_diff", "up")[:2] == ("inconclusive", "drifting")


def test_an_effect_beside_the_drift_is_still_one() -> None:
    effect = estimate(two_arms(rising(1, effect=3), rising(0), start=4), "diff_in_diff")
    assert [effect.effect, effect.ci_low, effect.ci_high] == pytest.approx([3.0, 3.0, 3.0], abs=0.25)
    assert not effect.may_be_drift
    assert verdict(effect, "diff_in_diff", "up").code == "supported"


def test_an_effect_that_grows_is_not_called_harm() -> None:
    """From 0 in steps of 1 over a long time: beside a straight trend that is a fall at the start, and nobody may claim it."""
    treated = [[max(0.0, t - 4.0) + wiggle * (t % 2) for t in range(20)] for wiggle in WIGGLES]
    control = [[wiggle * (t % 2) for t in range(20)] for wiggle in WIGGLES]
    effect = estimate(two_arms(treated, control, start=4), "diff_in_diff")
    assert effect.ci_high is not None
    assert effect.ci_high < 0
    assert verdict(effect, "diff_in_diff", "up")[:2] == ("inconclusive", "may_be_drift")


def test_without_three_periods_before_the_start_there_is_no_trend_and_the_claim_stays_modest() -> None:
    effect = estimate(two_arms([v[2:] for v in rising(0, effect=3)], [v[2:] for v in rising(0)], start=2), "diff_in_diff")
    assert (effect.method, effect.pre_trend) == ("difference_in_differences", None)
    assert verdict(effect, "diff_in_diff", "up")[:2] == ("suggestive", "no_pre_trend")


def test_starts_one_after_the_other_are_not_taken_in_by_the_trends_of_the_units() -> None:
    """Each rises at its own pace, those who start earlier the faster; the starts themselves do nothing, or 2."""
    starts = [3, 4, 5, 6, 7, 8, None, None]

    def found(effect: float) -> Effect:
        subjects = [
            (
                start,
                [(12 - (start or 9)) / 7 * t + effect * (t >= (start or 10)) + 0.01 * (t * n % 3) for t in range(10)],
            )
            for n, start in enumerate(starts)
        ]
        return estimate(panel(*subjects), "staggered")

    for effect in (0.0, 2.0):
        shown = found(effect)
        assert [shown.effect, shown.ci_low, shown.ci_high] == pytest.approx([effect] * 3, abs=0.1)
        assert shown.pre_trend is not None
        assert shown.pre_trend > 0.5
    assert verdict(found(0.0), "staggered", "up").code == "inconclusive"
    assert verdict(found(2.0), "staggered", "up").code == "supported"


@pytest.mark.parametrize("with_trend", [False, True])
def test_the_shift_that_all_share_is_what_statsmodels_finds_where_cells_are_missing(with_trend: bool) -> None:
    rng = np.random.default_rng(11)
    y, starts, periods = rng.normal(0, 1, (7, 9)), np.array([3.0, 4, 5, 6, 6, math.inf, math.inf]), np.arange(9.0)
    y[rng.random(y.shape) < 0.15] = math.nan
    shifts, shares = of_orders(y, starts, periods, with_trend=with_trend)
    subject, period = np.indices(y.shape)
    of_each = [subject.ravel() == n for n in range(7)]
    trends = [rows * period.ravel() for rows in of_each] if with_trend else []
    treated = (periods >= starts[:, None]).ravel()
    columns = np.column_stack([treated, *of_each, *trends, *(period.ravel() == t for t in range(1 + with_trend, 9))]).astype(
        float
    )
    known = ~np.isnan(y.ravel())
    assert shifts[0] == pytest.approx(OLS(y.ravel()[known], columns[known]).fit().params[0], rel=1e-6)
    assert shares[0] == pytest.approx(1.0)


def test_the_shift_of_a_series_is_what_statsmodels_finds_at_the_correlation_that_fits() -> None:
    """One correlation alone, as if it were known: the peer's generalised least squares give the same shift, error and p."""
    rng = np.random.default_rng(8)
    values, periods = rng.normal(0, 1, 20).cumsum(), np.arange(20.0)
    since = periods >= 10
    design = np.column_stack([np.ones(20), since, periods - 9])
    for rho in (0.0, 0.4, 0.9):
        peer = GLS(values, design, sigma=rho ** np.abs(periods[:, None] - periods[None, :])).fit()
        shift, trend = level_shift(values, periods, since, with_trend=True, alpha=0.05, rhos=np.array([rho]))
        assert shift[:3] == pytest.approx((peer.params[1], *peer.conf_int()[1]), rel=1e-6)
        assert trend is not None
        assert (shift.p, trend.p) == pytest.approx((peer.pvalues[1], peer.pvalues[2]), rel=1e-6)


def test_a_series_without_scatter_has_its_very_shift() -> None:
    shift, _ = level_shift(np.array([1.0] * 5 + [4.0] * 5), np.arange(10.0), np.arange(10) >= 5, with_trend=False, alpha=0.05)
    assert shift[:3] == pytest.approx((3.0, 3.0, 3.0), abs=1e-6)
    assert shift.p < 1e-6


# -- claims
# ------------------------------------------------------------------------------------------------------------------------


def found(**changes: object) -> Effect:
    standard = {"effect": 2.0, "ci_low": 1.0, "ci_high": 3.0, "actual": 10.0, "pre_trend_p": 0.5}
    return Effect("difference_in_differences", **{**standard, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("effect", "direction", "claim"),
    [
        (found(), "up", "supported"),
        (found(), "down", "contradicted"),
        (found(ci_low=-0.1), "up", "inconclusive"),
        (found(pre_trend_p=0.02), "up", "supported"),  # that drift is taken out
        (found(all_treated=True), "up", "suggestive"),
        (found(pre_trend_p=None), "up", "suggestive"),  # nobody knows whether they moved alike before
        (found(ci_low=-0.1, may_be_drift=True), "up", "inconclusive"),
        (found(may_be_drift=True), "up", "inconclusive"),  # without the trends it lies on another side
        (Effect("cuped"), "up", "not_testable"),
    ],
)
def test_no_claim_goes_beyond_the_design(effect: Effect, direction: str, claim: str) -> None:
    assert verdict(effect, "diff_in_diff", direction).code == claim


def test_a_relative_effect_is_a_share_of_what_would_have_been() -> None:
    assert found().share(2.0) == pytest.approx(2 / 8)
    assert found().share(1.0) == pytest.approx(1 / 8)
    assert found().share(None) is None
    assert found(actual=2.0).share(2.0) is None


# -- laws
# --------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.floats(-50, 50), min_size=8, max_size=9, unique=True),
    treated=st.integers(3, 4),
    shift=st.floats(-20, 20),
)
def test_an_interval_moves_with_the_effect_and_holds_the_estimate(changes: list[float], treated: int, shift: float) -> None:
    arms = [[0.0, change] for change in changes]
    plain = estimate(two_arms(arms[:treated], arms[treated:]), "diff_in_diff")
    moved = estimate(two_arms([[0.0, change + shift] for _, change in arms[:treated]], arms[treated:]), "diff_in_diff")
    if plain.effect is None or moved.effect is None:
        assert (plain.why_not, moved.why_not) == ("too_few_subjects", "too_few_subjects")
        return
    for one, other in ((plain.effect, moved.effect), (plain.ci_low, moved.ci_low), (plain.ci_high, moved.ci_high)):
        assert other == pytest.approx(one + shift, abs=1e-6)  # type: ignore[operator]
    assert plain.ci_low <= plain.effect <= plain.ci_high  # type: ignore[operator]


@pytest.mark.parametrize(
    "case",
    [
        Case("holdout", 40, 40, 0.0),
        Case("diff_in_diff", 5, 6, 0.5),
        Case("diff_in_diff", 25, 25, 0.0),
        Case("diff_in_diff", 40, 40, 0.0, 0.05),
        Case("diff_in_diff", 5, 6, 0.0, 0.3),
        Case("staggered", 4, 0, 0.0, 0.3),
        Case("before_after", 1, 0, 0.0, before=12, since=12),
    ],
    ids=str,
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(case: Case) -> None:
    (row,) = rows(150, (case,))
    assert 0.90 <= float(row["coverage"]) <= 1.0  # type: ignore[arg-type]
    if case.effect == 0:
        assert float(row["inconclusive"]) >= 0.90  # type: ignore[arg-type]


# -- a night's table
# ---------------------------------------------------------------------------------------------------------------


INITIATIVES = pd.DataFrame(
    [
        {"initiative_key": "plan:A", "metric_code": "orders_per_customer", "design": "holdout"},
        {"initiative_key": "plan:B", "metric_code": "communication", "design": "diff_in_diff"},
    ]
)
PANEL = {
    "initiative_key": "plan:B",
    "metric_code": "communication",
    "subject_type": "org_unit",
    "aggregation": "mean",
    "persons_n": 2,
    "suppress_reason": None,
}
METRICS = pd.DataFrame(
    [{"metric_code": "orders_per_customer", "direction": "up"}, {"metric_code": "communication", "direction": "up"}]
)


def test_a_night_without_plans_or_values_gives_a_typed_table_and_says_what_is_missing() -> None:
    nothing = two_arms([[1.0, 4.0]], [[5.0, 6.0]]).rename(columns={"subject": "subject_key"}).head(0).assign(**PANEL)
    empty = initiative_effects(nothing, INITIATIVES.head(0), METRICS)
    assert list(empty.columns) == list(COLUMNS)
    assert len(empty) == 0
    table = initiative_effects(nothing, INITIATIVES, METRICS.head(1))
    assert table["verdict"].tolist() == ["not_testable", "not_testable"]
    assert table["reason_en"].tolist() == [WHY_NOT["no_values"][0], WHY_NOT["unknown_metric"][0]]


def test_figures_of_employees_that_are_left_out_have_their_reason_and_events_their_person_periods() -> None:
    panel = two_arms([[1, 4], [2, 6], [3, 7], [4, 9]], [[5, 6], [1, 2], [2, 3], [8, 9]])
    panel = panel.rename(columns={"subject": "subject_key"}).assign(**PANEL)
    shown = initiative_effects(panel, INITIATIVES.tail(1), METRICS).iloc[0]
    assert shown["effect"] == pytest.approx(3.0)
    assert pd.isna(shown["suppress_reason"])
    assert pd.isna(shown["person_periods"])  # the mean of answers
    late = panel["period"] >= 0
    hidden = panel.assign(value=panel["value"].mask(late), suppress_reason=late.map({True: "small_group", False: None}))
    row = initiative_effects(hidden, INITIATIVES.tail(1), METRICS).iloc[0]
    assert (row["verdict"], row["reason_en"]) == ("not_testable", WHY_NOT["suppressed"][0])
    assert row["suppress_reason"] == "small_group"
    assert row[["baseline", "actual", "effect", "ci_low"]].isna().all()
    events = initiative_effects(panel.assign(aggregation="sum"), INITIATIVES.tail(1), METRICS).iloc[0]
    assert (events["person_periods_before"], events["person_periods"]) == (8, 8)
