"""Arms of initiatives: what they may tell beside the units that are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.privacy import arms as rules
from pipelines.privacy.arms import Arms, arms_of, decide_register, decide_surveys, fixes_a_hidden_unit
from pipelines.privacy.suppression import MIXED, People, View, decide, view_of_people
from pipelines.quality.leaks import Cell, Leak, Place, Told, by_initiatives
from tests.privacy.organisations import Organisation, random_organisation

ORGANISATIONS = 400
FROM, TO = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-12-31")


def subjects(initiative: str, arm_of: dict[str, str], kind: str = "org_unit") -> list[dict[str, Any]]:
    fixed = {"initiative_key": initiative, "subject_type": kind, "compared_from": FROM, "compared_to": TO}
    return [{**fixed, "subject_key": unit, "arm": arm} for unit, arm in arm_of.items()]


def wave(sizes: dict[str, int], hidden: dict[str, str], period: str = "w1") -> View:
    """A company of units of those sizes, in which the hidden ones have their reason."""
    groups = ["all", *sizes]
    places = np.repeat(np.arange(1, len(groups)), list(sizes.values()))
    moods = np.full((len(places), 1), MIXED, dtype=np.int8)
    people = People(np.arange(len(places)), places, moods, np.zeros(len(places), dtype=bool))
    view = view_of_people(period, "org_unit", groups, [-1] + [0] * len(sizes), people)
    view.reasons = [hidden.get(group) for group in groups]
    return view


def is_fixed(view: View, *arms: dict[str, str]) -> bool:
    made = [Arms(f"i{number}", pd.DataFrame(subjects(f"i{number}", one))) for number, one in enumerate(arms)]
    return fixes_a_hidden_unit(made, view)


def test_an_arm_less_its_shown_units_is_a_hidden_one() -> None:
    view = wave({"A": 9, "B": 4, "C": 6, "D": 8}, {"B": "small_group", "C": "complement"})
    assert is_fixed(view, {"A": "from 0", "B": "from 0", "D": "control"})
    assert is_fixed(view, {"A": "from 0", "C": "from 0", "D": "control"})  # C gives B away: the two are the company less A and D
    assert not is_fixed(view, {"A": "from 0", "D": "control"})


def test_two_means_in_one_arm_and_their_sum_by_persons_give_both() -> None:
    """Of B and C the company tells 4 b + 6 c; the arm tells b + c. With equally many persons both tell the same."""
    reasons = {"B": "small_group", "C": "complement"}
    both = {"A": "from 0", "B": "from 0", "C": "from 0", "D": "control"}
    assert is_fixed(wave({"A": 9, "B": 4, "C": 6, "D": 8}, reasons), both)
    assert not is_fixed(wave({"A": 9, "B": 4, "C": 4, "D": 8}, reasons), both)


def test_what_one_initiative_leaves_open_another_closes() -> None:
    """The company hides B, C and E; one arm tells b + c, with 4 b + 4 c + 9 e from the company; the other c + e."""
    view = wave({"A": 9, "B": 4, "C": 4, "D": 8, "E": 9}, {"B": "small_group", "C": "small_group", "E": "complement"})
    first, second = {"B": "from 0", "C": "from 0", "D": "control"}, {"C": "from 0", "E": "from 0", "D": "control"}
    assert is_fixed(view, first)  # what is left of the company is E, and it was hidden
    view.reasons[5] = None
    assert not is_fixed(view, first)
    assert is_fixed(view, first, second)


def test_a_few_in_no_arm_hide_the_others_and_all_arms_stand_or_fall_together() -> None:
    frame = pd.DataFrame(
        subjects("i", {"A": "from 0", "B": "control"}) + subjects("p", {"e1": "from 0", "e2": "control"}, "employee")
    )
    heads = pd.DataFrame(
        [("2026-03", "all", 23), ("2026-03", "A", 10), ("2026-03", "B", 10)], columns=["period", "org_unit", "n"]
    )
    decided = {one.initiative: view.reasons[1:] for one, view in decide_register(arms_of(frame), heads, 5)}
    assert decided == {"i": ["complement", "complement"], "p": ["small_group", "small_group"]}
    enough = heads.replace(23, 25)
    assert next(view.reasons[1:] for _, view in decide_register(arms_of(frame), enough, 5)) == [None, None]
    assert list(decide_register(arms_of(frame), heads.assign(period="2027-01"), 5)) == []


# -- random organisations --------------------------------------------------------------------------------------------------------


def audited(seed: int) -> tuple[int, list[Leak]]:
    """Two initiatives over random units of a random organisation: figures told, and what the auditor finds in them."""
    rng = np.random.default_rng(seed)
    organisation: Organisation = random_organisation(rng, slices=False)
    decide(organisation.views)
    leaves = sorted({place for roster in organisation.rosters for place in roster.places.values()} - {"all"})
    chosen = [{unit: ("from 0", "control")[int(rng.integers(2))] for unit in leaves if rng.random() < 0.8} for _ in range(2)]
    rows = [row for number, one in enumerate(chosen) if len(set(one.values())) == 2 for row in subjects(f"i{number}", one)]
    if not rows:
        return 0, []
    waves = sorted({view.period for view in organisation.views})
    day = {period: date(2026, 1 + number, 1) for number, period in enumerate(waves)}
    first_days = {period: pd.Timestamp(one) for period, one in day.items()}
    decided = list(decide_surveys(arms_of(pd.DataFrame(rows)), organisation.views, first_days, 10))
    places = [
        Place(arms.initiative, unit, view.period, arm != "control", view.period != waves[0], day[view.period])
        for arms, view in decided
        if not any(view.reasons[1:])
        for arm, units in arms.units.items()
        for unit in units & present(organisation, view.period)
    ]
    told = [Told(key, "score", None, "diff_in_diff", True, True, True) for key in {place.initiative for place in places}]
    return len(places), list(by_initiatives(organisation.cells(), places, told))


def present(organisation: Organisation, period: str) -> set[str]:
    return {place for roster in organisation.rosters if roster.period == period for place in roster.places.values()}


def audits() -> Iterator[tuple[int, list[Leak]]]:
    yield from (audited(seed) for seed in range(ORGANISATIONS))


def test_no_initiative_of_a_random_organisation_gives_a_hidden_unit_away() -> None:
    found = list(audits())
    assert [(seed, leaks) for seed, (_, leaks) in enumerate(found) if leaks] == []
    assert sum(places for places, _ in found) > ORGANISATIONS  # they do not hold because everything is hidden


def test_the_auditor_catches_a_missing_rule_for_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "fixes_a_hidden_unit", lambda *_: False)
    assert any(leaks for _, leaks in audits())


def test_the_auditor_takes_the_shown_units_out_of_an_arm() -> None:
    cells = [Cell("w1", "org_unit", unit, "score", n) for unit, n in {"A": 9, "B": None, "C": None, "D": 8}.items()]
    day = date(2026, 1, 1)
    places = [Place("i", unit, "w1", unit != "D", True, day) for unit in "ABD"]
    told = Told("i", "score", None, "diff_in_diff", False, True, False)
    assert [leak.how for leak in by_initiatives(cells, places, [told])] == [
        "score: the figures of initiatives less the shown units give B in w1"
    ]
    both = [*places, Place("i", "C", "w1", True, True, day)]
    assert list(by_initiatives(cells, both, [told])) == []
    # A cycle that was over before C's wave began shows A and B alone.
    later = [*places, Place("i", "C", "w1", True, True, date(2026, 6, 1))]
    assert len(list(by_initiatives(cells, later, [told, told._replace(day=date(2026, 3, 31))]))) == 2
    assert list(by_initiatives(cells, places, [told._replace(has_actual=False)])) == []
