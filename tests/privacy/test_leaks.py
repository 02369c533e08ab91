"""The auditor finds no leak in what the rules let through, and each leak that a missing rule lets through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.privacy import suppression
from pipelines.privacy.suppression import View, decide
from pipelines.quality.leaks import (
    Cell,
    Change,
    Leak,
    Limits,
    Ratio,
    back_to_counts,
    between_releases,
    by_membership,
    by_subtraction,
    shown_too_small,
)
from tests.privacy.membership import Roster, changes_of
from tests.privacy.organisations import Organisation, random_organisation

LIMITS = Limits()
TABLES = 20_000
MUTATION_TABLES = 1_500


def audit(organisation: Organisation) -> Iterator[Leak]:
    """Everything that can be tried on one release."""
    cells = organisation.cells()
    yield from shown_too_small(cells, LIMITS)
    yield from by_subtraction(cells, LIMITS)
    changes = changes_of(cells, organisation.rosters, organisation.linked)
    yield from by_membership(cells, changes, [(later, earlier) for earlier, later in organisation.linked], LIMITS)


def organisations(tables: int) -> Iterator[Organisation]:
    """Random organisations, decided upon, until they have so many tables; every second one is cut by tenure, too."""
    made = 0
    for seed in count():
        organisation = random_organisation(np.random.default_rng(seed), slices=seed % 2 == 0)
        decide(organisation.views)
        yield organisation
        made += len(organisation.views)
        if made >= tables:
            return


def test_no_leak_in_20_000_random_tables() -> None:
    shown = 0
    for number, organisation in enumerate(organisations(TABLES)):
        assert (number, list(audit(organisation))) == (number, [])
        shown += sum(cell.n is not None for cell in organisation.cells())
    assert shown > TABLES  # they do not hold because everything is hidden


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_no_leak_in_any_organisation(seed: int, slices: bool) -> None:
    organisation = random_organisation(np.random.default_rng(seed), slices=slices)
    decide(organisation.views)
    assert list(audit(organisation)) == []


def at_the_top_alone(rule: Callable[..., None]) -> Callable[..., None]:
    def mutated(view: View, group: int, uniform: int) -> None:
        if group == 0:
            rule(view, group, uniform)

    return mutated


def only_if(same_period: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def mutate(rule: Callable[..., None]) -> Callable[..., None]:
        def mutated(view: View, other: View, uniform: int) -> None:
            if (view.period == other.period) == same_period:
                rule(view, other, uniform)

        return mutated

    return mutate


def never(_: Callable[..., None]) -> Callable[..., None]:
    return lambda *_: None


MUTATIONS = [
    ("hide_complement_of", never, "parents"),
    ("hide_complement_of", at_the_top_alone, "parents"),
    ("hide_what_another_view_singles_out", only_if(same_period=True), "waves"),
    ("hide_what_another_view_singles_out", only_if(same_period=False), "slices"),
    ("hide_what_a_pair_leaves", never, "slices"),
]


@pytest.mark.parametrize(
    ("rule", "mutate", "attack"),
    MUTATIONS,
    ids=["no complementary rule", "at one level only", "no wave rule", "no rule over slices", "no rule for pairs"],
)
def test_the_auditor_catches_a_missing_rule(
    rule: str, mutate: Callable[..., Callable[..., None]], attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression, rule, mutate(getattr(suppression, rule)))
    found = [leak for organisation in organisations(MUTATION_TABLES) for leak in audit(organisation)]
    assert attack in {leak.attack for leak in found}


def test_the_auditor_catches_a_small_group_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppression, "own_reason", lambda *_: None)
    found = [leak for organisation in organisations(200) for leak in audit(organisation)]
    assert "small_groups" in {leak.attack for leak in found}


# -- attacks by head -------------------------------------------------------------------------------------------------------------


def cells(shown: dict[str, int | None], *, period: str = "w1", dimension: str = "org_unit") -> list[Cell]:
    return [Cell(period, dimension, group, "score", n) for group, n in shown.items()]


def found(leaks: Iterator[Leak]) -> list[tuple[str, int]]:
    return [(leak.attack, leak.persons) for leak in leaks]


def test_a_parent_less_its_shown_children_on_any_level() -> None:
    assert found(by_subtraction(cells({"all": 30, "A": 18, "B": None, "C": 9}), LIMITS)) == [("parents", 3)]
    # B/X is shown below a hidden unit: all less A, C and it.
    assert found(by_subtraction(cells({"all": 30, "A": 10, "B": None, "B/X": 8, "C": 8}), LIMITS)) == [("parents", 4)]
    assert found(by_subtraction(cells({"all": 30, "A": 16, "B": None, "C": 9}), LIMITS)) == []


def test_the_rest_of_a_group_that_all_judge_alike() -> None:
    told = [
        Cell("w1", "org_unit", "all", "enps", 20, shares=(0.5, 0.2, 0.3)),
        Cell("w1", "org_unit", "A", "enps", 14, shares=(10 / 14, 4 / 14, 0.0)),
    ]
    assert found(by_subtraction(told, LIMITS)) == [("parents", 6)]


def test_rows_and_columns_fix_a_cell_that_no_single_sum_tells() -> None:
    """Two units by three bands; five cells hidden. No total less what is shown is small, yet all equations fix A | 2 at 4."""
    units = cells({"all": 42, "A": 20, "B": 22})
    bands = cells({"1": 17, "2": 13, "3": 12}, dimension="tenure")
    pairs = cells(
        {"A | 1": 8, "A | 2": None, "A | 3": 8, "B | 1": 9, "B | 2": None, "B | 3": None}, dimension="org_unit x tenure"
    )
    assert ("slices", 4) in found(by_subtraction([*units, *bands, *pairs], LIMITS))


def near(told: list[Cell], rosters: list[Roster], linked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    leaks = by_membership(told, changes_of(told, rosters, linked), [], LIMITS)
    return [(leak.attack, leak.how) for leak in leaks]


def test_two_waves_with_almost_the_same_members() -> None:
    rosters = [
        Roster("w1", "org_unit", {person: "A" for person in range(10)} | {20 + person: "B" for person in range(10)}),
        Roster("w2", "org_unit", {person: "A" for person in range(11)} | {40 + person: "B" for person in range(10)}),
    ]
    told = [*cells({"A": 10, "B": 10}), *cells({"A": 11, "B": 10}, period="w2")]
    assert near(told, rosters, [("w1", "w2")]) == [("waves", "w2 A against A, in w1")]
    assert near(told, rosters, []) == []
    hidden = [*cells({"A": 10, "B": 10}), *cells({"A": None, "B": 10}, period="w2")]
    assert near(hidden, rosters, [("w1", "w2")]) == []


def test_a_unit_and_a_band_of_almost_the_same_people() -> None:
    rosters = [
        Roster("w1", "org_unit", {person: "A" if person < 12 else "B" for person in range(30)}),
        Roster("w1", "tenure", {person: "0-1" if person < 10 else "10+" for person in range(30)}),
    ]
    told = [*cells({"all": 30, "A": 12, "B": 18}), *cells({"0-1": 10, "10+": 20}, dimension="tenure")]
    assert ("slices", "w1 0-1 against A, in w1") in near(told, rosters, [])


def test_whatever_is_not_told_of_the_membership_counts_as_a_leak() -> None:
    told = [*cells({"A": 10, "B": 10}), *cells({"A": 11, "B": None}, period="w2")]
    change = Change("w2", "org_unit", "A", "w1", "org_unit", "10+")
    assert found(by_membership(told, [], [("w2", "w1")], LIMITS)) == [("waves", 1)]
    assert found(by_membership(told, [change], [("w2", "w1")], LIMITS)) == []
    assert found(by_membership(told, [change._replace(group="B")], [], LIMITS)) == [("waves", 1)]
    assert found(by_membership(told, [change._replace(band="1-4")], [], LIMITS)) == [("waves", 1)]
    assert found(by_membership(told, [change._replace(band="1-4", is_held=False)], [], LIMITS)) == []
    # Two ways to cut the same people, and not a word of how they lie to each other.
    cut = [*cells({"A": 10}), *cells({"0-1": 10}, dimension="tenure")]
    assert found(by_membership(cut, [], [], LIMITS)) == [("slices", 1)]


def test_two_releases_that_differ_by_one_answer_or_by_what_they_hide() -> None:
    before = cells({"all": 40, "A": 12, "B": 20, "C": 8})
    assert found(between_releases(cells({"all": 41, "A": 13, "B": 20, "C": 8}), before, LIMITS)) == [("releases", 1)] * 2
    # C lost one and is hidden with A, which did not change: the new total less B less the old A is the new C.
    assert ("releases", 1) in found(between_releases(cells({"all": 39, "A": None, "B": 20, "C": None}), before, LIMITS))
    # Neither release alone tells of the 3 of D: the one hides A with them, the other B.
    first, second = cells({"all": 40, "A": None, "B": 25, "D": None}), cells({"all": 40, "A": 12, "B": None, "D": None})
    assert set(found(between_releases(second, first, LIMITS))) == {("releases", 3)}
    assert found(between_releases(before, before, LIMITS)) == []


def test_two_waves_that_no_release_shows_together() -> None:
    """A late form opened w1 again; while it is hidden, w2 is shown as if w1 had never been: the older release has w1."""
    units = {"all": 30, "A": 12, "B": 18}
    hidden = dict.fromkeys(units)
    old = [*cells(units), *cells({**units, "A": None, "B": None}, period="w2")]
    new = [*cells(hidden), *cells(units, period="w2")]
    assert [leak.how for leak in between_releases(new, old, LIMITS)] == [
        "w2 A is shown since and w1 A no more: nothing tells how alike they are"
    ]
    # A new wave beside those that were shown, or a wave that is hidden since.
    assert found(between_releases([*old, *cells(units, period="w3")], old, LIMITS)) == []
    assert found(between_releases([*cells(hidden), *cells({**units, "A": None, "B": None}, period="w2")], old, LIMITS)) == []


@pytest.mark.parametrize(
    ("rate", "least", "most", "half_step", "leaks"),
    [
        (0.3, 10, 10, 1e-6, [("ratios", 3)]),
        (0.1, 8, 12, 0.05, [("ratios", 1)]),  # between 0.4 and 1.8 persons
        (0.25, 8, 12, 0.125, []),  # between 1 and 4.5
        (0.1, 18, 22, 0.05, []),  # 1, 2 or 3
        (0.5, 28, 32, 1e-6, []),  # 14 to 16
        (0.0, 8, 12, 0.125, []),
    ],
)
def test_a_rate_and_its_denominator_lead_back_to_a_count(
    rate: float, least: float, most: float, half_step: float, leaks: list[tuple[str, int]]
) -> None:
    assert found(back_to_counts([Ratio("coverage", rate, least, most, half_step)], LIMITS)) == leaks
