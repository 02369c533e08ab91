"""The leak auditor: what could somebody who keeps every release work out about a few persons?

It plays the reader. All it is given of figures is what is published; it knows nothing of the rules by which groups were hidden,
and uses others: it sets up the equations that the shown numbers are and asks what follows from them. To compare waves it also
knows who answered where, as colleagues do, yet nobody's answers.

    cells   -> shown_too_small, by_subtraction (parents, slices), between_releases
    roster  -> between_tables (waves, slices)
    ratios  -> back_to_counts
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ALL = "all"
ORG_UNIT = "org_unit"
EXACT = 1e-9


class Cell(NamedTuple):
    """One published row of scores. `n` is empty in a hidden one; `shares` are favourable, neutral, unfavourable, where told."""

    period: str
    dimension: str
    group: str
    metric: str
    n: int | None
    value: float | None = None
    shares: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Leak:
    """A group of `persons` about whom something follows, and how."""

    attack: str
    persons: int
    how: str


@dataclass(frozen=True)
class Limits:
    """A group of fewer persons than `minimum` must not be told of; of fewer than `uniform` not that all of them judge alike."""

    minimum: int = 5
    uniform: int = 10


Shown = dict[str, Cell]


def tables_of(cells: Iterable[Cell]) -> dict[tuple[str, str], dict[str, Shown]]:
    """The shown cells by period and metric, then by dimension, then by group; of one told twice the one that is shown."""
    tables: dict[tuple[str, str], dict[str, Shown]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        if cell.n is not None:
            tables[cell.period, cell.metric][cell.dimension][cell.group] = cell
    return tables


def around(group: str) -> str | None:
    """The group that holds `group`: of a unit the one above it, of a pair the same band of the unit above it; none around all."""
    unit, mark, band = group.partition(" | ")
    if unit == ALL:
        return None
    return (unit.rpartition("/")[0] or ALL) + mark + band


def inside(shown: Shown) -> dict[str, list[str]]:
    """For each shown group the largest shown ones within it."""
    found: dict[str, list[str]] = {group: [] for group in shown}
    for group in shown:
        outer = around(group)
        while outer is not None and outer not in shown:
            outer = around(outer)
        if outer is not None:
            found[outer].append(group)
    return found


# -- one release, one period -----------------------------------------------------------------------------------------------------


def shown_too_small(cells: Iterable[Cell], limits: Limits) -> Iterator[Leak]:
    """A shown group of fewer than the minimum, or a small one in which all judge alike."""
    for cell in cells:
        if cell.n is not None and _tells(cell.n, cell.shares, limits):
            yield Leak("small_groups", cell.n, f"{cell.period} {cell.group} {cell.metric} is shown")


def by_subtraction(cells: Iterable[Cell], limits: Limits) -> Iterator[Leak]:
    """A shown group less the shown ones in it; all bands of a unit less the shown ones; and cells that several such sums fix."""
    for (period, metric), dimensions in tables_of(cells).items():
        units = dimensions.get(ORG_UNIT, {})
        where = f"{period} {metric}"
        for dimension, shown in dimensions.items():
            if dimension == ORG_UNIT or " x " in dimension:
                parts = [(shown[group], [shown[one] for one in within]) for group, within in inside(shown).items() if within]
            else:
                parts = [(units[ALL], list(shown.values()))] if ALL in units and shown else []
            for whole, less in parts:
                yield from _rest("parents" if dimension == ORG_UNIT else "slices", where, whole, less, limits)
            if dimension.startswith(f"{ORG_UNIT} x "):
                yield from _across(where, units, shown, dimensions.get(dimension.removeprefix(f"{ORG_UNIT} x "), {}), limits)


def _rest(attack: str, where: str, whole: Cell, less: Sequence[Cell], limits: Limits) -> Iterator[Leak]:
    rest = _number(whole) - sum(map(_number, less))
    shares = None
    if rest > 0 and whole.shares and all(one.shares for one in less):
        weighed = np.array(whole.shares) * _number(whole)
        for one in less:
            weighed = weighed - np.array(one.shares) * _number(one)
        shares = tuple(weighed / rest)
    if _tells(rest, shares, limits):
        yield Leak(attack, rest, f"{where}: {whole.group} less {', '.join(sorted(one.group for one in less))}")


def _across(where: str, units: Shown, pairs: Shown, bands: Shown, limits: Limits) -> Iterator[Leak]:
    """The cells of one unit, its shown sub-units and what is left of it, by band: rows and columns add up to shown totals."""
    names = sorted({group.partition(" | ")[2] for group in pairs} | set(bands))
    within = inside(units)
    for unit, whole in units.items():
        less = [pairs[f"{unit} | {band}"] for band in names if f"{unit} | {band}" in pairs]
        if less:
            yield from _rest("slices", where, whole, less, limits)
        rows = [*within[unit], None]  # None: who is in the unit and in none of the shown ones below it
        totals = [_number(units[row]) for row in within[unit]]
        totals.append(_number(whole) - sum(totals))
        columns = [pairs.get(f"{unit} | {band}") or (bands.get(band) if unit == ALL else None) for band in names]
        known = {
            (i, j): _number(pairs[f"{row} | {band}"])
            for i, row in enumerate(rows)
            for j, band in enumerate(names)
            if row is not None and f"{row} | {band}" in pairs
        }
        if not known and not any(columns):
            continue
        # The last column is whoever is in a band of which nothing is shown anywhere.
        unknown = [(i, j) for i in range(len(rows)) for j in range(len(names) + 1) if (i, j) not in known]
        equations = [([cell for cell in unknown if cell[0] == i], totals[i] - _sum(known, row=i)) for i in range(len(rows))]
        equations += [
            ([cell for cell in unknown if cell[1] == j], _number(column) - _sum(known, column=j))
            for j, column in enumerate(columns)
            if column is not None
        ]
        for cell, persons in _fixed(unknown, equations):
            if 0 < persons < limits.minimum:
                band = names[cell[1]] if cell[1] < len(names) else "other bands"
                yield Leak("slices", persons, f"{where}: sums fix {rows[cell[0]] or f'the rest of {unit}'} | {band}")
        for _, persons in equations:
            if 0 < persons < limits.minimum:
                yield Leak("slices", persons, f"{where}: a row or column of {unit} less its shown cells")


def _sum(known: Mapping[tuple[int, int], int], row: int | None = None, column: int | None = None) -> int:
    return sum(persons for (i, j), persons in known.items() if row in (None, i) and column in (None, j))


def _fixed(
    unknown: Sequence[tuple[int, int]], equations: Sequence[tuple[list[tuple[int, int]], int]]
) -> Iterator[tuple[tuple[int, int], int]]:
    """The unknowns that the equations determine: those on which no vector of the null space depends."""
    place = {cell: number for number, cell in enumerate(unknown)}
    matrix = np.zeros((len(equations), len(unknown)))
    for number, (cells, _) in enumerate(equations):
        matrix[number, [place[cell] for cell in cells]] = 1
    if not matrix.size:
        return
    _, strengths, directions = np.linalg.svd(matrix)
    rank = int((strengths > EXACT).sum())
    free = np.abs(directions[rank:]).max(axis=0, initial=0) > EXACT
    if free.all():
        return
    solution = np.linalg.lstsq(matrix, np.array([persons for _, persons in equations], dtype=float), rcond=None)[0]
    for cell, number in place.items():
        if not free[number]:
            yield cell, round(float(solution[number]))


def _tells(n: int, shares: Sequence[float] | None, limits: Limits) -> bool:
    """Whether a sum of `n` persons, shared out as `shares`, tells of too few."""
    return 0 < n < limits.minimum or bool(0 < n < limits.uniform and shares and max(shares) > 1 - EXACT)


def _number(cell: Cell) -> int:
    return cell.n or 0


# -- between waves, and between cuts through the same people ---------------------------------------------------------------------


class Roster(NamedTuple):
    """Who is in the groups of one period and dimension: the innermost group of each person, by a number per person."""

    period: str
    dimension: str
    places: Mapping[int, str]


class _Sums(NamedTuple):
    """Sets of persons of whom a sum is known: each as the bits of its persons, what it is, and the innermost groups in it."""

    sets: list[tuple[int, str]]
    of_place: dict[str, list[int]]
    places: Mapping[int, str]


def between_tables(
    cells: Iterable[Cell], rosters: Sequence[Roster], linked: Iterable[tuple[str, str]], limits: Limits
) -> Iterator[Leak]:
    """Two sums of almost the same persons: their difference tells of the few who are in one of them alone.

    Args:
        cells: one release.
        rosters: who answered where.
        linked: periods so near each other that who answers in both is taken to answer alike.
    """
    shown: dict[tuple[str, str], Shown] = defaultdict(dict)
    for cell in cells:
        if cell.n is not None:
            shown[cell.period, cell.dimension][cell.group] = cell
    sums = [(roster, _sums(shown[roster.period, roster.dimension], roster)) for roster in rosters]
    pairs = {frozenset(pair) for pair in linked}
    for number, (one, mine) in enumerate(sums):
        for other, theirs in sums[:number]:
            if one.period == other.period or {one.period, other.period} in pairs:
                attack = "slices" if one.period == other.period else "waves"
                for persons, named in _near(mine, theirs, limits.minimum):
                    yield Leak(attack, persons, f"{one.period} {named[0]} against {other.period} {named[1]}")


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
    sets: list[tuple[int, str]] = []
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
            sets.append(candidate)
    return _Sums(sets, {place: [n for group in chain for n in of_group[group]] for place, chain in chains.items()}, roster.places)


def _near(mine: _Sums, theirs: _Sums, minimum: int) -> Iterator[tuple[int, tuple[str, str]]]:
    """Pairs of sets that differ by fewer than `minimum` persons: of any `minimum` persons of the one, one is in the other."""
    for mask, name in mine.sets:
        near: set[int] = set()
        left = mask
        for _ in range(minimum):
            lowest = left & -left
            left ^= lowest
            near.update(theirs.of_place.get(theirs.places.get(lowest.bit_length() - 1, ""), ()))
        for number in near:
            other, other_name = theirs.sets[number]
            persons = (mask ^ other).bit_count()
            if 0 < persons < minimum:
                yield persons, (name, other_name)


# -- between releases ------------------------------------------------------------------------------------------------------------


def between_releases(new: Iterable[Cell], old: Iterable[Cell], limits: Limits) -> Iterator[Leak]:
    """The same group with a few persons more or fewer; and a sum of the one release filled in with cells of the other."""
    new_tables, old_tables = tables_of(new), tables_of(old)
    for key, dimensions in new_tables.items():
        where = " ".join(key)
        for dimension, shown in dimensions.items():
            before = old_tables.get(key, {}).get(dimension, {})
            for group, cell in shown.items():
                if group in before and 0 < abs(gap := _number(cell) - _number(before[group])) < limits.minimum:
                    yield Leak("releases", abs(gap), f"{where} {group}: {gap:+d} persons since the earlier release")
            if dimension == ORG_UNIT or " x " in dimension:
                yield from _filled_in(where, shown, before, limits)
                yield from _filled_in(where, before, shown, limits)


def _filled_in(where: str, shown: Shown, others: Shown, limits: Limits) -> Iterator[Leak]:
    """A group of one release less the groups in it, those hidden in that release taken from the other."""
    both = {**others, **shown}
    for group, within in inside(both).items():
        if group in shown and any(one not in shown for one in within):
            rest = _number(shown[group]) - sum(_number(both[one]) for one in within)
            if 0 < abs(rest) < limits.minimum:
                yield Leak("releases", abs(rest), f"{where}: {group} less what two releases show in it")


# -- ratios ----------------------------------------------------------------------------------------------------------------------


class Ratio(NamedTuple):
    """A published rate and what its denominator can be; `half_step`: how far the rate may be off for being rounded."""

    where: str
    rate: float
    least: float
    most: float
    half_step: float = 1e-6


def back_to_counts(ratios: Iterable[Ratio], limits: Limits, banded: int | None = None) -> Iterator[Leak]:
    """Rates that only one number of persons can have made, and a small one. `banded` stands for every small number."""
    for ratio in ratios:
        low = max(0.0, ratio.rate - ratio.half_step) * ratio.least
        high = (ratio.rate + ratio.half_step) * ratio.most
        fitting = range(int(np.ceil(low - EXACT)), int(np.floor(high + EXACT)) + 1)
        if len(fitting) == 1 and 0 < fitting[0] < limits.minimum and fitting[0] != banded:
            yield Leak("ratios", fitting[0], f"{ratio.where}: only {fitting[0]} gives {ratio.rate:g}")
