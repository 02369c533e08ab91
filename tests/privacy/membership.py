"""How alike the tables of one release are, worked out from who is in which group: what a release tells of it, for the auditor.

In the warehouse `rpt_employee_wave_changes` works it out in SQL; here are sets of persons as bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.quality.leaks import ORG_UNIT, Cell, Change, Shown, around, inside

FEW = 5


class Roster(NamedTuple):
    """Who is in the groups of one period and dimension: the innermost group of each person, by a number per person."""

    period: str
    dimension: str
    places: Mapping[int, str]


class _Sums(NamedTuple):
    """Sets of persons of whom a sum is known: the bits of its persons, what it is, and the shown group it is a sum of; and which
    sets each innermost group is in.
    """

    sets: list[tuple[int, str, str]]
    of_place: dict[str, list[int]]
    places: Mapping[int, str]


def changes_of(cells: Iterable[Cell], rosters: Sequence[Roster], linked: Iterable[tuple[str, str]]) -> list[Change]:
    """What a release with `cells` tells of the tables of one period, and of `linked` periods (the earlier one first)."""
    shown: dict[tuple[str, str], Shown] = defaultdict(dict)
    for cell in cells:
        if cell.n is not None:
            shown[cell.period, cell.dimension][cell.group] = cell
    sums = [(roster, _sums(shown[roster.period, roster.dimension], roster)) for roster in rosters]
    before = {(later, earlier) for earlier, later in linked}
    made = []
    for one, mine in sums:
        for other, theirs in sums:
            is_beside = one.period == other.period and other.dimension < one.dimension
            if is_beside or (one.period, other.period) in before:
                table = (other.period, other.dimension)
                near = _near(mine, theirs)
                for group in shown[one.period, one.dimension]:
                    band, told = ("1-4", near[group]) if group in near else ("5-9", "")
                    made.append(Change(one.period, one.dimension, group, *table, band, told))
    return made


def _sums(shown: Shown, roster: Roster) -> _Sums:
    """The persons of each shown group, of what is left of it, and of it less each one of the shown groups in it."""
    bits: dict[str, int] = defaultdict(int)
    for person, place in roster.places.items():
        bits[place] |= 1 << person
    people: dict[str, int] = defaultdict(int)
    chains: dict[str, list[str]] = {}
    for place, mask in bits.items():
        chain, group = [], place if " " in roster.dimension or roster.dimension == ORG_UNIT else None
        while group is not None:
            chain.append(group)
            group = around(group)
        chains[place] = [one for one in chain or [place] if one in shown]
        for one in chains[place]:
            people[one] |= mask
    sets: list[tuple[int, str, str]] = []
    of_group: dict[str, list[int]] = defaultdict(list)
    within = inside(shown) if roster.dimension == ORG_UNIT or " " in roster.dimension else {group: [] for group in shown}
    for group, parts in within.items():
        mask, union = people[group], 0
        candidates = [(mask, group)]
        for part in parts:
            union |= people[part]
            if len(parts) > 1:
                candidates.append((mask & ~people[part], f"{group} less {part}"))
        if parts:
            candidates.append((mask & ~union, f"{group} less all shown in it"))
        for candidate in candidates:
            of_group[group].append(len(sets))
            sets.append((*candidate, group))
    return _Sums(sets, {place: [n for group in chain for n in of_group[group]] for place, chain in chains.items()}, roster.places)


def _near(mine: _Sums, theirs: _Sums) -> dict[str, str]:
    """The groups of which a sum differs from one of the other table by 1 to 4 persons, and the two sums that differ least.

    Of any five persons of such a sum, one is in the other.
    """
    found: dict[str, tuple[int, str, str]] = {}
    for mask, name, group in mine.sets:
        near: set[int] = set()
        left = mask
        for _ in range(FEW):
            lowest = left & -left
            left ^= lowest
            near.update(theirs.of_place.get(theirs.places.get(lowest.bit_length() - 1, ""), ()))
        for number in near:
            other, other_name, _ = theirs.sets[number]
            persons = (mask ^ other).bit_count()
            if 0 < persons < FEW:
                found[group] = min(found.get(group, (FEW, "", "")), (persons, name, other_name))
    return {group: f"{name} against {other_name}" for group, (_, name, other_name) in found.items()}
