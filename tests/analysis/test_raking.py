"""Raking: the margins of headcount are met, as another library meets them; unknown groups, empty groups and caps."""

import numpy as np
import pandas as pd
import pytest
import weightipy
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analysis.raking import collapse, rake, wave_weights


def respondents(rng: np.random.Generator, people: int) -> pd.DataFrame:
    return pd.DataFrame({"unit": rng.choice(list("abc"), people), "tenure": rng.choice(["short", "long"], people, p=(0.3, 0.7))})


def shares(groups: pd.Series, weights: np.ndarray) -> dict[str, float]:
    summed = pd.Series(weights, index=groups.index).groupby(groups).sum()
    return (summed / summed.sum()).to_dict()


@pytest.mark.parametrize("seed", range(10))
def test_weights_are_those_of_a_library_for_survey_weighting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = respondents(rng, 300)
    targets = {
        "unit": dict(zip("abc", rng.dirichlet((5, 5, 5)) * 100, strict=True)),
        "tenure": dict(zip(("short", "long"), rng.dirichlet((5, 5)) * 100, strict=True)),
    }
    scheme = weightipy.scheme_from_dict(targets, rim_params={"convcrit": 1e-12})
    theirs = weightipy.weight_dataframe(groups.copy(), scheme, weight_column="weight")["weight"].to_numpy(float)
    assert rake(groups, targets) == pytest.approx(theirs / theirs.mean(), abs=1e-5)


def test_one_dimension_by_hand() -> None:
    """3 of 4 answers come from a, half of the staff sit there: a counts 2/3, b twice."""
    groups = pd.DataFrame({"unit": ["a", "a", "a", "b"]})
    assert rake(groups, {"unit": {"a": 20, "b": 20}}) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def test_a_cap_holds_and_the_rest_is_shared_out() -> None:
    groups = pd.DataFrame({"unit": ["a"] * 9 + ["b"]})
    weights = rake(groups, {"unit": {"a": 50, "b": 50}}, cap=2.0)
    assert weights == pytest.approx([8 / 9] * 9 + [2])
    with pytest.raises(ValueError, match="below"):
        rake(groups, {}, cap=0.5)


def test_an_unknown_group_is_left_alone_and_a_group_without_answers_stands_for_nothing() -> None:
    groups = pd.DataFrame({"unit": ["a", "a", "b", None]})
    weights = rake(groups, {"unit": {"a": 1, "b": 1, "nobody": 8}})
    assert weights == pytest.approx([0.75, 0.75, 1.5, 1.0])


def test_weights_to_start_from_keep_their_proportions_within_a_group() -> None:
    weights = rake(pd.DataFrame({"unit": ["a", "a", "b"]}), {"unit": {"a": 2, "b": 1}}, np.array([1.0, 3.0, 5.0]))
    assert weights == pytest.approx([0.5, 1.5, 1.0])
    with pytest.raises(ValueError, match="must be positive"):
        rake(pd.DataFrame({"unit": ["a"]}), {}, np.array([0.0]))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 200))
def test_law_the_margins_are_met_and_the_mean_is_one(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    # Somebody answered from every combination: then there is a solution, whatever the margins.
    every = pd.DataFrame([(unit, tenure) for unit in "abc" for tenure in ("short", "long")], columns=["unit", "tenure"])
    groups = pd.concat([every, respondents(rng, people)], ignore_index=True)
    targets = {name: respondents(rng, 200)[name].value_counts().to_dict() for name in groups}
    weights = rake(groups, targets)
    assert weights.mean() == pytest.approx(1.0)
    assert (weights > 0).all()
    for name, counts in targets.items():
        expected = {group: number / sum(counts.values()) for group, number in counts.items()}
        assert shares(groups[name], weights) == pytest.approx(expected, abs=1e-4)


def test_small_groups_become_one_and_a_small_rest_takes_the_next_one_in() -> None:
    counts = pd.Series({"a": 30, "b": 9, "c": 4, "d": 3})
    assert collapse(pd.Series(["a"] * 20 + ["b"] * 6 + ["c"] * 3 + ["d"] * 2), counts, 5) == {
        "a": "a", "b": "b", "c": "rest", "d": "rest",
    }  # fmt: skip
    assert collapse(pd.Series(["a"] * 20 + ["b"] * 6 + ["c"] * 3), counts, 5) == {
        "a": "a", "b": "rest", "c": "rest", "d": "rest",
    }  # fmt: skip


def people_of(wave: str, rows: list[tuple[str, str | None, bool, bool]]) -> pd.DataFrame:
    """Persons as (key, unit, employed, answered)."""
    made = pd.DataFrame(rows, columns=["person_key", "unit", "is_employed", "is_answered"])
    return made.assign(wave=wave, base_weight=np.where(made["is_answered"], 1.0, np.nan))


def test_each_wave_is_weighted_to_its_own_headcount() -> None:
    """w1: 10 + 10 people, 8 of a and 4 of b answered: a counts 0.75, b 1.5. w2: nobody's unit is known, so all count alike."""
    first = people_of("w1", [(f"a{i}", "a", True, i < 8) for i in range(10)] + [(f"b{i}", "b", True, i < 4) for i in range(10)])
    second = people_of("w2", [(f"c{i}", None, False, True) for i in range(6)])
    made = wave_weights(pd.concat([first, second]), dimensions=["unit"], least=4, cap=5.0)
    of_first = made[made["wave"] == "w1"].set_index("person_key")
    assert len(made) == 18
    assert of_first.loc["a0", "weight"] == pytest.approx(0.75)
    assert of_first.loc["b0", "weight"] == pytest.approx(1.5)
    assert set(of_first["raked_by"]) == {"unit"}
    assert set(made[made["wave"] == "w2"]["weight"]) == {1.0}
    assert set(made[made["wave"] == "w2"]["raked_by"]) == {""}


def test_a_wave_without_answers_gives_no_weights() -> None:
    made = wave_weights(people_of("w", [("a", "x", True, False)]), dimensions=["unit"], least=5, cap=5.0)
    assert made.empty
    assert list(made.columns) == ["wave", "person_key", "weight", "raked_by"]
