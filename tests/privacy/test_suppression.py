"""Which groups are hidden, on organisations that can be checked by head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from pipelines.privacy.cuts import small_cuts
from pipelines.privacy.disclosures import Thresholds, employee_disclosures, named, nested, unit_chain
from pipelines.privacy.suppression import ABSENT, MIXED, UNJUDGED, People, View, decide, view_of_people

People_ = Mapping[str, Sequence[int]]


def view(
    members: People_, *, period: str = "w1", minimum: int = 5, mood: Mapping[int, int] | None = None, compared: Sequence[str] = ()
) -> View:
    """Who sits in which unit, by number; all of mixed mood if nothing else is said. One metric."""
    groups, parents = nested({unit_chain(unit) for unit in members})
    places = {person: groups.index(unit) for unit, persons in members.items() for person in persons}
    moods = np.array([[(mood or {}).get(person, MIXED)] for person in places], dtype=np.int8)
    people = People(np.array(list(places)), np.array(list(places.values())), moods, np.zeros(len(places), dtype=bool))
    return view_of_people(period, "org_unit", groups, parents, people, minimum=minimum, compared=frozenset(compared))


def reasons(view: View) -> dict[str, str | None]:
    return dict(zip(view.groups, view.reasons, strict=True))


def decided(*views: View) -> list[dict[str, str | None]]:
    decide(views)
    return [reasons(one) for one in views]


def test_a_small_unit_hides_the_next_smallest_beside_it_and_what_lies_below() -> None:
    (found,) = decided(view({"A/X": range(8), "B": range(10, 13), "C": range(20, 40)}))
    assert found == {"all": None, "A": "complement", "A/X": "parent_hidden", "B": "small_group", "C": None}


def test_persons_directly_in_a_parent_are_a_group_too() -> None:
    assert decided(view({"A": range(2), "A/X": range(10, 18)}))[0]["A/X"] == "complement"
    assert decided(view({"A": range(5), "A/X": range(10, 18)}))[0]["A/X"] is None


def test_hidden_siblings_are_as_many_as_the_minimum_needs() -> None:
    (found,) = decided(view({"A": range(1), "B": range(10, 12), "C": range(20, 26), "D": range(30, 50)}))
    assert found == {"all": None, "A": "small_group", "B": "small_group", "C": "complement", "D": None}


def test_the_rule_holds_on_every_level() -> None:
    deep = view({"A/P/Q/X": range(3), "A/P/Q/Y": range(10, 16), "A/P/Q/Z": range(20, 30), "A/P/R": range(40, 60)})
    (found,) = decided(deep)
    assert {unit for unit, reason in found.items() if reason} == {"A/P/Q/X", "A/P/Q/Y"}


def test_few_who_all_say_the_same_are_hidden_and_ten_are_not() -> None:
    few = view({"A": range(12), "B": range(20, 25), "C": range(30, 60)}, mood=dict.fromkeys(range(20, 25), 2))
    assert decided(few) == [{"all": None, "A": "complement", "B": "uniform", "C": None}]
    ten = view({"A": range(12), "B": range(20, 30), "C": range(30, 60)}, mood=dict.fromkeys(range(20, 30), 2))
    assert decided(ten) == [dict.fromkeys(("all", "A", "B", "C"))]


def test_hidden_groups_together_may_not_all_say_the_same_either() -> None:
    """A and B are small; the 6 of them are all detractors, as the company less C and D would tell."""
    one_mind = dict.fromkeys([*range(3), *range(10, 13)], 2)
    (found,) = decided(view({"A": range(3), "B": range(10, 13), "C": range(20, 32), "D": range(40, 60)}, mood=one_mind))
    assert found == {"all": None, "A": "small_group", "B": "small_group", "C": "complement", "D": None}


def test_a_group_with_almost_the_members_of_an_earlier_wave_is_hidden() -> None:
    """In A one of 8 was replaced; B has nobody new; of C five went. A is hidden, and C with it."""
    first = view({"A": range(8), "B": range(60, 80), "C": range(30, 45)})
    second = view({"A": [*range(7), 99], "B": range(60, 80), "C": range(30, 40)}, period="w2", compared=["w1"])
    assert decided(first, second)[1] == {"all": None, "A": "same_members", "B": None, "C": "complement"}


def test_what_is_hidden_together_is_held_against_the_same_units_before() -> None:
    """As above, but nobody left C. A and C together still differ by the one, so B is hidden; and so does the company."""
    first = view({"A": range(8), "B": range(60, 80), "C": range(30, 45)})
    second = view({"A": [*range(7), 99], "B": range(60, 80), "C": range(30, 45)}, period="w2", compared=["w1"])
    assert all(decided(first, second)[1].values())


def test_a_wave_whose_answers_no_longer_hold_is_not_compared() -> None:
    first, second = view({"A": range(8), "B": range(10, 25)}), view({"A": range(9), "B": range(10, 25)}, period="w2")
    assert set(decided(first, second)[1].values()) == {None}


def test_a_merged_unit_is_held_against_the_two_it_was_made_of() -> None:
    """C holds all of A and B and one more: neither alone is almost C, yet both together are."""
    first = view({"A": range(8), "B": range(10, 18), "D": range(30, 50)})
    second = view({"C": [*range(8), *range(10, 18), 99], "D": range(25, 55)}, period="w2", compared=["w1"])
    assert decided(first, second)[1]["C"] == "same_members"


def test_a_survey_may_ask_for_more_than_the_least_minimum() -> None:
    (found,) = decided(view({"A": range(9), "B": range(10, 17), "C": range(20, 50)}, minimum=8))
    assert found == {"all": None, "A": "complement", "B": "small_group", "C": None}


def test_a_cut_is_found_that_no_single_group_shows() -> None:
    """Two triangles joined by 4 persons: no node has fewer than 8, yet 4 part the graph."""
    triangle = {(1, 2): 4, (2, 3): 4, (1, 3): 4, (4, 5): 4, (5, 6): 4, (4, 6): 4, (3, 4): 4}
    assert small_cuts(triangle, 5) in ([{1, 2, 3}], [{4, 5, 6}])
    assert small_cuts(triangle | {(2, 5): 4}, 5) == []


# -- frames ----------------------------------------------------------------------------------------------------------------------

HEADCOUNTS = pd.DataFrame(
    {"period": ["2025-01"] * 4, "org_unit": ["all", "A", "B", "C"], "n": [31, 8, 3, 20]}
)  # fmt: skip
SUBJECTS = pd.DataFrame(
    {
        "initiative_key": "plan:1",
        "subject_type": "org_unit",
        "subject_key": ["A", "B"],
        "arm": ["from 0", "control"],
        "start_date": pd.Timestamp("2024-12-01"),
        "compared_from": pd.Timestamp("2024-06-01"),
        "compared_to": pd.Timestamp("2025-06-01"),
    }
)
NOBODY = SUBJECTS.head(0)
RULES = Thresholds(slices=("tenure",), pairs=(("org_unit", "tenure"),))


def frames(units: Mapping[str, int], *, wave: str = "w1", commenting: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members and their eNPS; of each unit every third person is new, and promoters, passives and detractors take turns."""
    people = [(unit, number) for unit, count in units.items() for number in range(count)]
    members = pd.DataFrame(
        {
            "wave": wave,
            "person_key": [f"{unit}{number}" for unit, number in people],
            "org_unit": [unit for unit, _ in people],
            "tenure": ["0-1" if number % 3 == 0 else "10+" for _, number in people],
            "min_n": 5,
            "is_commenting": [place < commenting for place in range(len(people))],
            "first_day": pd.Timestamp("2025-01-01"),
            "last_day": pd.Timestamp("2025-01-10"),
            "valid_until": pd.Timestamp("2025-04-10"),
        }
    )
    scores = members[["wave", "person_key"]].assign(metric="enps", judged_n=1)
    for place, name in enumerate(("favourable_n", "neutral_n", "unfavourable_n")):
        scores[name] = [int(number % 4 == place or (place == 0 and number % 4 == 3)) for _, number in people]
    return members, scores


def row(found: pd.DataFrame, population: str, dimension: str, group: str) -> dict[str, object]:
    chosen = found[(found["population"] == population) & (found["dimension"] == dimension) & (found["group_value"] == group)]
    assert len(chosen) == 1
    return dict(chosen.iloc[0])


def test_every_dimension_of_both_populations_is_decided() -> None:
    found = employee_disclosures(HEADCOUNTS, *frames({"A": 12, "B": 40, "C": 3}), SUBJECTS, RULES, pd.Timestamp("2025-03-01"))
    assert set(found["dimension"]) == {"org_unit", "tenure", "org_unit x tenure", "initiative"}
    # A was given it and B was not: of the company that leaves C, three people.
    assert row(found, "survey", "initiative", "plan:1")["suppress_reason"] == "complement"
    assert row(found, "headcount", "initiative", "plan:1")["is_suppressed"]
    assert row(found, "headcount", "org_unit", "A")["suppress_reason"] == "complement"
    assert row(found, "survey", "org_unit", "C")["suppress_reason"] == "small_group"
    assert row(found, "survey", "org_unit", "A")["suppress_reason"] == "complement"
    assert row(found, "survey", "tenure", "0-1")["n"] == 4 + 14 + 1
    assert row(found, "survey", "org_unit x tenure", "B | 10+")["n"] == 26


@pytest.mark.parametrize(("commenting", "shows"), [(9, False), (10, True)])
def test_comments_need_ten_and_drivers_thirty(commenting: int, shows: bool) -> None:
    members, scores = frames({"A": 30, "B": 29}, commenting=commenting)
    found = employee_disclosures(HEADCOUNTS, members, scores, NOBODY, RULES, pd.Timestamp("2025-03-01"))
    assert row(found, "survey", "org_unit", "A")["shows_comments"] == shows
    assert [row(found, "survey", "org_unit", unit)["shows_drivers"] for unit in ("A", "B")] == [True, False]
    # One person less who answered the item, and its driver has too few.
    fewer = scores[scores["person_key"] != "A0"]
    found = employee_disclosures(HEADCOUNTS, members, fewer, NOBODY, RULES, pd.Timestamp("2025-03-01"))
    assert not row(found, "survey", "org_unit", "A")["shows_drivers"]


@pytest.mark.parametrize(("last_day", "reason"), [("2025-01-23", "wave_open"), ("2025-01-24", None)])
def test_a_wave_is_shown_once_nobody_answers_it_any_more(last_day: str, reason: str | None) -> None:
    found = employee_disclosures(HEADCOUNTS, *frames({"A": 30, "B": 40}), SUBJECTS, RULES, pd.Timestamp(last_day))
    assert row(found, "survey", "org_unit", "A")["is_suppressed"] == (reason is not None)
    # Of a wave that is open nothing is told of an initiative, and of one that is over what both arms allow.
    waves = found[(found["dimension"] == "initiative") & (found["population"] == "survey")]
    assert waves["is_suppressed"].tolist() == ([] if reason else [False])
    assert set(found["suppress_reason"].dropna()) >= ({reason} if reason else set())


def test_without_a_survey_only_the_register_is_decided() -> None:
    members, scores = (frame.iloc[:0] for frame in frames({"A": 1}))
    found = employee_disclosures(HEADCOUNTS, members, scores, NOBODY, RULES, pd.Timestamp("2025-03-01"))
    assert set(found["population"]) == {"headcount"}


def test_slices_and_pairs_are_read_from_text() -> None:
    assert named("tenure, employment_type", "org_unit x tenure") == {
        "slices": ("tenure", "employment_type"),
        "pairs": (("org_unit", "tenure"),),
    }
    assert named("", "") == {"slices": (), "pairs": ()}


def test_who_is_absent_from_an_item_is_not_counted_for_it() -> None:
    moods = np.array([[UNJUDGED, MIXED]] * 6 + [[UNJUDGED, ABSENT]], dtype=np.int8)
    people = People(np.arange(7), np.zeros(7, dtype=np.int64), moods, np.zeros(7, dtype=bool))
    assert view_of_people("w1", "org_unit", ["all"], [-1], people).persons.tolist() == [[7, 6]]
