"""Customers' survey scores on random weighted answers: the compiled models against statsmodels."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from tests.models.compiled import LAW, Compiled

DAY = date(2025, 3, 1)
Z = 1.96
KINDS = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


class Form(NamedTuple):
    """One filled form; None where a question was left out."""

    nps: int | None
    csat: int | None
    ces: int | None
    reasons: frozenset[str]
    weight: float


forms = st.lists(
    st.builds(
        Form,
        st.one_of(st.none(), st.integers(0, 10)),
        st.one_of(st.none(), st.integers(1, 5)),
        st.one_of(st.none(), st.integers(1, 7)),
        st.frozensets(st.sampled_from(["taste", "price", "looks"])),
        st.integers(1, 40).map(lambda n: n / 8),
    ),
    min_size=5,
    max_size=20,
)


@pytest.fixture(scope="module")
def models(target: Path) -> Compiled:
    return Compiled(target, ("rpt_survey_scores", "rpt_survey_results"))


def landing(filled: list[Form], silent: int) -> dict[str, list[dict[str, Any]]]:
    """The forms of people 0, 1, ...; all but the first were invited, and `silent` others."""
    shared = {"connection": "c", "survey_id": "s", "business_date": DAY}
    survey = {"audience": "customer", "mode": "identified", "valid_days": 90, "min_n": 1, "promoter_min": 9, "detractor_max": 6}
    questions: list[dict[str, Any]] = [
        {
            "question_code": kind,
            "kind": kind,
            "scale_min": low,
            "scale_max": high,
            "favourable_min": 4 if kind == "csat" else None,
        }
        for kind, (low, high) in KINDS.items()
    ]
    questions.append({"question_code": "reasons", "kind": "multiple"})
    answers = []
    for number, form in enumerate(filled):
        given_ = [(kind, str(value), float(value)) for kind in KINDS if (value := getattr(form, kind)) is not None]
        given_ += [("reasons", reason, None) for reason in form.reasons]
        for question, option, value in given_:
            answers.append(
                shared
                | {"response_id": f"r{number}", "wave": "w", "respondent_pid": f"c{number}", "answered_at": _noon()}
                | {"question_code": question, "option_code": option, "numeric_value": value, "weight": form.weight}
            )
    invited = range(1, len(filled) + silent)
    return {
        "survey.surveys": [shared | survey],
        "survey.questions": [shared | {"is_reversed": False} | question for question in questions],
        "survey.invitations": [shared | {"wave": "w", "respondent_pid": f"c{n}", "invited_at": _noon()} for n in invited],
        "survey.answers": answers,
    }


def _noon() -> datetime:
    return datetime.combine(DAY, time(12), UTC)


def expected(kind: str, values: np.ndarray, weights: np.ndarray) -> tuple[float, tuple[float, float] | tuple[None, None]]:
    """Score and interval by statsmodels; Kish's effective number of answers stands for n. A share has Wilson's interval."""
    scores = {"nps": 100.0 * ((values >= 9) * 1.0 - (values <= 6)), "csat": (values >= 4) * 1.0, "ces": values}[kind]
    stats = DescrStatsW(scores, weights=weights)
    score = float(stats.mean)
    effective = weights.sum() ** 2 / (weights**2).sum()
    if kind == "csat":
        return score, proportion_confint(score * effective, effective, alpha=2 * norm.sf(Z), method="wilson")
    # A mean of a scale is estimated with n - 1, a difference of shares with n.
    free = effective - 1 if kind == "ces" else effective
    if free <= 1e-9:
        return score, (None, None)
    margin = Z * np.sqrt(stats.var / free)
    lowest, highest = {"nps": (-100, 100), "ces": (0, np.inf)}[kind]
    return score, (max(score - margin, lowest), min(score + margin, highest))


@LAW
@given(filled=forms, silent=st.integers(0, 9))
def test_scores_and_intervals_are_those_of_statsmodels(models: Compiled, filled: list[Form], silent: int) -> None:
    warehouse = models.build(landing(filled, silent))
    assert models.failures(warehouse) == {}
    rows = warehouse.sql("""select kind, n, value, ci_low, ci_high, weighted_value, weighted_ci_low, weighted_ci_high, invited,
        response_rate from rpt_survey_scores""").fetchall()
    assert {row[0] for row in rows} == {kind for kind in KINDS if any(getattr(form, kind) is not None for form in filled)}
    answered = sum(any(getattr(form, kind) is not None for kind in KINDS) or bool(form.reasons) for form in filled[1:])
    for kind, n, value, low, high, weighted, weighted_low, weighted_high, invited, rate in rows:
        own = [form for form in filled if getattr(form, kind) is not None]
        values = np.array([getattr(form, kind) for form in own], dtype=float)
        assert n == len(own)
        assert invited == len(filled) + silent - 1
        assert rate == pytest.approx(answered / invited)
        for found, weights in (
            ((value, low, high), np.ones(n)),
            ((weighted, weighted_low, weighted_high), np.array([form.weight for form in own])),
        ):
            score, interval = expected(kind, values, weights)
            assert found[0] == pytest.approx(score, abs=1e-5)
            assert found[1:] == (interval if interval[0] is None else pytest.approx(interval, abs=1e-5))


@LAW
@given(filled=forms)
def test_several_choices_are_shares_of_those_who_answered(models: Compiled, filled: list[Form]) -> None:
    warehouse = models.build(landing(filled, 0))
    rows = warehouse.sql("""select option_code, n, unweighted_share, weighted_share from rpt_survey_results
        where question_code = 'reasons'""").fetchall()
    own = [form for form in filled if form.reasons]
    assert {row[0] for row in rows} == frozenset().union(*(form.reasons for form in own))
    for option, n, share, weighted in rows:
        chosen = np.array([option in form.reasons for form in own], dtype=float)
        assert n == len(own)
        assert share == pytest.approx(chosen.mean())
        assert weighted == pytest.approx(DescrStatsW(chosen, weights=[form.weight for form in own]).mean, abs=1e-5)
