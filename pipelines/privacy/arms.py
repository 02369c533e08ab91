"""Which arms of an initiative may be told of in a period: those given a measure, and those not.

What is told of an arm of units is no sum of persons: it is the sum of its units' means. So beside the rules for groups
(`suppression.py`) there is one of its own: with the figures of the shown units around it, it must not fix a hidden unit's mean,
nor anything about fewer persons than the minimum. Whether it does is a question of linear algebra: does the vector lie in the row
space of what is told? Each metric is looked at on its own, as not everybody answers every item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.privacy.suppression import ABSENT, UNJUDGED, Ints, People, View, decide_beside, view_of_people

Floats = NDArray[np.float64]
ALL = "all"
ORG_UNIT = "org_unit"
INITIATIVE = "initiative"
ROOT = ""  # who is in no arm
EXACT = 1e-8


class Arms:
    """The arms of one initiative.

    Args:
        initiative: its key.
        subjects: its units or persons, with subject_type, subject_key, arm (what each was given and when), start_date, and
            compared_from and compared_to, the days between which its effect is looked at.
    """

    def __init__(self, initiative: str, subjects: pd.DataFrame) -> None:
        self.initiative = initiative
        self.is_of_units = bool((subjects["subject_type"] == ORG_UNIT).all())
        self.units = {str(arm): set(rows["subject_key"].astype(str)) for arm, rows in subjects.groupby("arm")}
        self.start = pd.Timestamp(subjects["start_date"].min())
        self.first_day, self.last_day = pd.Timestamp(subjects["compared_from"].min()), pd.Timestamp(subjects["compared_to"].max())


def arms_of(subjects: pd.DataFrame) -> list[Arms]:
    """The arms of all initiatives with employees or their units, sorted by key."""
    ours = subjects[subjects["subject_type"].isin([ORG_UNIT, "employee"])]
    return [Arms(str(initiative), rows) for initiative, rows in ours.groupby("initiative_key")]


def decide_surveys(
    initiatives: Sequence[Arms], views: Sequence[View], days: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]], uniform: int
) -> list[tuple[Arms, View]]:
    """Decide the views of all waves that are over, and each initiative of units in each wave in which it is looked at.

    All arms of an initiative are shown in a wave, or none. What was told first stays as it was, and what is told later gives way,
    so an earlier release holds nothing of a wave that a later one hides.

    Args:
        initiatives: all of them.
        views: of all waves that are over, the earlier ones first, of one wave the organisation first.
        days: first and last day of each wave.

    Returns:
        The decided views of initiatives.
    """
    told: list[View] = []
    decided: list[tuple[Arms, View]] = []
    for view, arms in _as_told(initiatives, views, days):
        if arms is None:
            decide_beside(view, told, uniform)
            told.append(view)
            continue
        later = {other.period for other in views if view.period in other.compared}
        own = view_of_arms(arms, view, view.compared | later)
        decide_beside(own, told, uniform)
        hidden = [reason for reason in own.reasons if reason]
        beside = [one for one, other in decided if other.period == view.period and not any(other.reasons[1:])]
        if not hidden and fixes_a_hidden_unit([*beside, arms], view):
            hidden = ["unit_means"]
        if hidden:
            own.reasons = [own.reasons[0], *(reason or hidden[0] for reason in own.reasons[1:])]
        else:
            told.append(own)
        decided.append((arms, own))
    return decided


def _as_told(
    initiatives: Sequence[Arms], views: Sequence[View], days: Mapping[str, tuple[pd.Timestamp, pd.Timestamp]]
) -> list[tuple[View, Arms | None]]:
    """Views, and initiatives in the view of a wave by unit, in the order in which nights tell of them: a wave when it is over, an
    initiative in it not before its start.
    """
    steps: list[tuple[tuple[pd.Timestamp, bool, int, pd.Timestamp, str], View, Arms | None]] = []
    for number, view in enumerate(views):
        first, last = days[view.period]
        steps.append(((last, False, number, last, ""), view, None))
        if view.dimension == ORG_UNIT:
            looked_at = [one for one in initiatives if one.is_of_units and one.first_day <= first <= one.last_day]
            steps += [((max(last, one.start), True, number, one.start, one.initiative), view, one) for one in looked_at]
    return [(view, arms) for _, view, arms in sorted(steps, key=lambda step: step[0])]


def decide_register(initiatives: Sequence[Arms], headcounts: pd.DataFrame, minimum: int) -> Iterator[tuple[Arms, View]]:
    """Each initiative in each month of the register in which it is looked at, with its view decided: all arms or none.

    Of employees who were picked one by one the plan tells the number, in every month the same.
    """
    for period, units in headcounts.groupby("period"):
        persons = dict(zip(units["org_unit"].astype(str), units["n"].astype(int), strict=True))
        month = pd.Period(str(period), "M")
        for arms in initiatives:
            if not arms.first_day <= month.end_time or month.start_time > arms.last_day:
                continue
            groups = [ROOT, *sorted(arms.units)]
            direct = np.zeros((len(groups), 1, ABSENT), dtype=np.int64)
            for group, arm in enumerate(groups[1:], 1):
                inside = arms.units[arm]
                direct[group, 0, UNJUDGED] = sum(persons.get(unit, 0) for unit in inside) if arms.is_of_units else len(inside)
            if arms.is_of_units:
                direct[0, 0, UNJUDGED] = max(persons.get(ALL, 0) - int(direct.sum()), 0)
            view = View(str(period), INITIATIVE, groups, [-1, *([0] * len(arms.units))], direct, minimum=minimum)
            decide_beside(view, [], 0)
            hidden = [reason for reason in view.reasons if reason]
            view.reasons = [view.reasons[0], *(reason or (hidden[0] if hidden else None) for reason in view.reasons[1:])]
            yield arms, view


def view_of_arms(arms: Arms, organisation: View, compared: frozenset[str]) -> View:
    """The arms as a view of the wave of which `organisation` is the view by unit: each person is in the arm of their unit."""
    people = organisation.people
    if people is None:
        raise ValueError(f"nobody is known of {organisation.period}: arms are made of the people of a wave")
    groups = [ROOT, *sorted(arms.units)]
    arm_of = np.zeros(len(organisation.groups), dtype=np.int64)
    for group, parent in enumerate(organisation.parents):
        own = [place for place, arm in enumerate(groups) if organisation.groups[group] in arms.units.get(arm, ())]
        arm_of[group] = own[0] if own else arm_of[parent] if parent >= 0 else 0
    placed = People(people.who, arm_of[people.places], people.moods, people.commenting)
    return view_of_people(
        organisation.period,
        INITIATIVE,
        groups,
        [-1, *([0] * len(arms.units))],
        placed,
        minimum=organisation.minimum,
        compared=compared,
    )


def fixes_a_hidden_unit(arms: Sequence[Arms], organisation: View) -> bool:
    """Whether the last of `arms`, told beside the others and the shown units, fixes something hidden.

    Args:
        arms: those told of in this wave, and the one in question.
        organisation: the wave by unit, decided.
    """
    for metric in {persons.tobytes(): number for number, persons in enumerate(organisation.persons.T)}.values():
        persons = organisation.direct[:, metric].sum(axis=1)
        atoms = _atoms_beside(arms, organisation, persons)
        if len(atoms):
            told = _blocks(organisation, persons, atoms)
            told += [row for one in arms[:-1] for row in _means(one, organisation, persons, atoms)]
            new = _means(arms[-1], organisation, persons, atoms)
            if _fixes(told, new, _hidden(organisation, persons, atoms), persons[atoms], organisation.minimum):
                return True
    return False


def _inside(organisation: View, units: Iterable[str]) -> NDArray[np.bool_]:
    """Whether each group is one of the units or lies in one."""
    wanted = set(units)
    found = np.zeros(len(organisation.groups), dtype=bool)
    for group, parent in enumerate(organisation.parents):
        found[group] = organisation.groups[group] in wanted or (parent >= 0 and found[parent])
    return found


def _atoms_beside(arms: Sequence[Arms], organisation: View, persons: Ints) -> Ints:
    """Groups in which persons sit, as far as they share a shown group with somebody in an arm."""
    owners = np.array(organisation.owners())
    within = _inside(organisation, {unit for one in arms for units in one.units.values() for unit in units})
    return np.flatnonzero((persons > 0) & np.isin(owners, owners[within & (persons > 0)]))


def _blocks(organisation: View, persons: Ints, atoms: Ints) -> list[Floats]:
    """What the shown units tell: of each of them, who is in it and in no shown one below it."""
    owners = np.array(organisation.owners())[atoms]
    return [np.where(owners == owner, persons[atoms], 0.0) for owner in sorted(set(owners.tolist()) - {-1})]


def _means(arms: Arms, organisation: View, persons: Ints, atoms: Ints) -> list[Floats]:
    """What an arm tells, one row each: of every unit in it the mean over its persons, all units alike."""
    rows = []
    for units in arms.units.values():
        row = np.zeros(len(atoms))
        for unit in units:
            weights = np.where(_inside(organisation, [unit])[atoms], persons[atoms], 0.0)
            if weights.any():
                row += weights / weights.sum()
        if row.any():
            rows.append(row)
    return rows


def _hidden(organisation: View, persons: Ints, atoms: Ints) -> list[Floats]:
    """Each hidden unit as the persons in it."""
    found = []
    for group, reason in enumerate(organisation.reasons):
        if reason is not None:
            row = np.where(_inside(organisation, [organisation.groups[group]])[atoms], persons[atoms], 0.0)
            if row.any():
                found.append(row)
    return found


def _fixes(told: Sequence[Floats], new: Sequence[Floats], hidden: Sequence[Floats], persons: Ints, minimum: int) -> bool:
    """Whether with `new` something hidden follows that did not follow from `told`: a hidden unit, or a few persons."""
    before, after = _null_space(told, len(persons)), _null_space([*told, *new], len(persons))
    few: list[tuple[int, ...]] = [(one,) for one in range(len(persons)) if persons[one] < minimum]
    few += [two for two in combinations(np.flatnonzero(persons < minimum).tolist(), 2) if persons[list(two)].sum() < minimum]

    def follows(free: Floats, row: Floats) -> bool:
        return bool(np.abs(row @ free).max(initial=0) < EXACT * np.abs(row).max())

    def singles_out(free: Floats, atoms: Sequence[int]) -> bool:
        # Something about these alone is told when what is left free moves them in step, or not at all.
        strengths = np.linalg.svd(free[list(atoms)], compute_uv=False)
        return len(strengths) < len(atoms) or bool(strengths.min(initial=0) < EXACT)

    return any(follows(after, row) and not follows(before, row) for row in hidden) or any(
        singles_out(after, atoms) and not singles_out(before, atoms) for atoms in few
    )


def _null_space(rows: Sequence[Floats], width: int) -> Floats:
    """Ways (columns) in which the means of the atoms may move without a told figure moving."""
    if not rows:
        return np.eye(width)
    matrix = np.array([row / np.linalg.norm(row) for row in rows])
    _, strengths, directions = np.linalg.svd(matrix)
    return np.asarray(directions[int((strengths > EXACT).sum()) :].T)
