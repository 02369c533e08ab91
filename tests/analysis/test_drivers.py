"""Alpha and driver impact: as another library has them, by hand, and on gaps, single items and people who do not differ."""

from math import nan

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines.analysis.drivers import Estimate, company_and_business_units, cronbach_alpha, driver_statistics, pearson


def answers(seed: int, people: int, items: int, gaps: float = 0.1) -> np.ndarray:
    """Answers on 1 to 5 that share a mood, some left out."""
    rng = np.random.default_rng(seed)
    points = np.clip(np.rint(3 + rng.normal(size=(people, 1)) + rng.normal(size=(people, items))), 1, 5)
    return np.where(rng.random(points.shape) < gaps, nan, points)


@pytest.mark.parametrize("seed", range(20))
def test_alpha_and_its_interval_are_those_of_another_library(seed: int) -> None:
    items = answers(seed, people=60 + seed, items=2 + seed % 6)
    # It would take the persons with gaps out of alpha, yet count them in its interval.
    theirs, interval = pingouin.cronbach_alpha(pd.DataFrame(items).dropna())
    found = cronbach_alpha(items)
    assert found.n == int((~np.isnan(items).any(axis=1)).sum())
    assert found.value == pytest.approx(theirs)
    assert (found.low, found.high) == pytest.approx(tuple(interval), abs=5e-4)  # theirs is rounded to three decimals


def test_alpha_by_hand() -> None:
    """Items 1 2 3 and 1 3 2: variances 1 and 1, sums 2 5 5 have variance 3: 2 x (1 - 2 / 3) = 2/3. A gap takes its person out."""
    found = cronbach_alpha(np.array([[1, 1], [2, 3], [3, 2], [5, nan]]))
    assert (found.n, found.value) == (3, pytest.approx(2 / 3))


@pytest.mark.parametrize("items", [[[1.0], [2.0]], [[1.0, 2.0]], [[3.0, 3.0], [3.0, 3.0]], [[1.0, 5.0], [5.0, 1.0]]])
def test_no_alpha_of_one_item_one_person_or_people_who_do_not_differ(items: list[list[float]]) -> None:
    assert cronbach_alpha(np.array(items))[1:] == (None, None, None)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 80), st.integers(2, 6))
def test_law_alpha_does_not_care_for_the_unit_of_the_scale(seed: int, people: int, items: int) -> None:
    points = answers(seed, people, items, gaps=0)
    first, second = cronbach_alpha(points), cronbach_alpha(100 * (points - 1) / 4)
    assert (first.value is None) == (second.value is None)
    if first.value is not None:
        assert second.value == pytest.approx(first.value)
        assert first.value <= 1 + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_impact_and_its_interval_are_those_of_other_libraries(seed: int) -> None:
    x, y = answers(seed, people=40 + seed, items=2).T
    both = ~(np.isnan(x) | np.isnan(y))
    theirs = pingouin.corr(x[both], y[both])
    interval = stats.pearsonr(x[both], y[both]).confidence_interval(0.95)
    found = pearson(x, y)
    assert found.value == pytest.approx(float(theirs["r"].iloc[0]))
    assert (found.n, found.low, found.high) == (int(theirs["n"].iloc[0]), *map(pytest.approx, interval))


def test_impact_by_hand() -> None:
    """x 1 2 3 4, y 1 3 2 4: covariance 4, both sums of squares 5: r = 0.8; too few pairs or no difference give none."""
    assert pearson(np.array([1.0, 2, 3, 4, nan]), np.array([1.0, 3, 2, 4, 9])).value == pytest.approx(0.8)
    assert pearson(np.array([1.0, 2]), np.array([1.0, 2])) == Estimate(2)
    assert pearson(np.array([1.0, 1, 1]), np.array([1.0, 2, 3])) == Estimate(3)
    assert pearson(np.array([1.0, 2, 3]), np.array([2.0, 4, 6])) == Estimate(3, 1.0)


def items_of(scores: dict[str, list[float]], drivers: dict[str, str], people: list[str]) -> pd.DataFrame:
    rows = [
        ("w", person, question, "nps" if question == "enps" else "rating", drivers.get(question), score)
        for question, column in scores.items()
        for person, score in zip(people, column, strict=True)
        if not np.isnan(score)
    ]
    return pd.DataFrame(rows, columns=["wave", "person_key", "question_key", "kind", "driver", "score_100"])


PEOPLE = ["p1", "p2", "p3", "p4"]
UNITS = pd.DataFrame([("w", "all", person) for person in PEOPLE], columns=["wave", "org_unit", "person_key"])
SCORES = {"t1": [1.0, 2, 3, nan], "t2": [1.0, 3, 2, 4], "g1": [4.0, 3, 2, 1], "enps": [0.0, 25, 50, 100]}
DRIVERS = {"t1": "trust", "t2": "trust", "g1": "growth"}


def test_a_driver_is_held_against_the_recommendation() -> None:
    found = driver_statistics(items_of(SCORES, DRIVERS, PEOPLE), UNITS, least=3).set_index("driver")
    assert list(found.index) == ["growth", "trust"]
    trust, growth = found.loc["trust"], found.loc["growth"]
    assert (trust["items_n"], trust["alpha_n"], trust["impact_n"], trust["impact_on"]) == (2, 3, 4, "enps")
    assert trust["alpha"] == pytest.approx(2 / 3, abs=1e-6)
    # p4 has the driver score 4 of the one item answered; scores 1 2.5 2.5 4 against 0 25 50 100.
    assert trust["impact"] == pytest.approx(float(np.corrcoef([1, 2.5, 2.5, 4], [0, 25, 50, 100])[0, 1]), abs=1e-6)
    assert growth["impact"] == pytest.approx(float(np.corrcoef([4, 3, 2, 1], [0, 25, 50, 100])[0, 1]), abs=1e-6)
    assert np.isnan(growth["alpha"])


def test_without_a_recommendation_the_other_drivers_are_the_outcome() -> None:
    scores = {name: column for name, column in SCORES.items() if name != "enps"}
    found = driver_statistics(items_of(scores, DRIVERS, PEOPLE), UNITS, least=3).set_index("driver")
    assert set(found["impact_on"]) == {"other_drivers"}
    assert found.loc["growth", "impact"] == pytest.approx(float(np.corrcoef([4, 3, 2, 1], [1, 2.5, 2.5, 4])[0, 1]), abs=1e-6)


def test_too_few_people_have_a_count_and_no_figure() -> None:
    found = driver_statistics(items_of(SCORES, DRIVERS, PEOPLE), UNITS, least=4).set_index("driver")
    assert (found.loc["trust", "alpha_n"], found.loc["trust", "impact_n"]) == (3, 4)
    assert np.isnan(found.loc["trust", "alpha"])
    assert found.loc["trust", "impact"] > 0.9


def test_the_answers_of_one_unit_say_nothing_of_another() -> None:
    units = pd.concat([UNITS, pd.DataFrame([("w", "A", p) for p in PEOPLE[:3]], columns=UNITS.columns)])
    found = driver_statistics(items_of(SCORES, DRIVERS, PEOPLE), units, least=3).set_index(["org_unit", "driver"])
    assert found.loc[("A", "trust"), "impact_n"] == 3
    assert found.loc[("A", "trust"), "impact"] == pytest.approx(float(np.corrcoef([1, 2.5, 2.5], [0, 25, 50])[0, 1]), abs=1e-6)
    empty = driver_statistics(items_of({}, {}, []), UNITS, least=3)
    assert empty.empty


def test_everybody_belongs_to_the_company_and_some_to_a_business_unit() -> None:
    people = pd.DataFrame({"wave": "w", "person_key": ["p1", "p2"], "business_unit": ["A", None]})
    made = company_and_business_units(people)
    assert sorted(made.itertuples(index=False, name=None)) == [("w", "A", "p1"), ("w", "all", "p1"), ("w", "all", "p2")]
