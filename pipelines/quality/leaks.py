"""The leak auditor: what could somebody who keeps every release work out about a few persons?

It plays the reader. All it is given is what is published; it knows nothing of the rules by which groups were hidden, and uses
others: it sets up the equations that the shown numbers are and asks what follows from them. Who answered where it does not know,
only what a release tells of how alike two tables are, and of what is not told it assumes the worst.

    cells   -> shown_too_small, by_subtraction (parents, slices), between_releases
    changes -> by_membership (waves, slices)
    ratios  -> back_to_counts

What follows from the figures of initiatives stands in `initiative_leaks.py`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
Periods = dict[tuple[str, str], dict[str, Shown]]  # by period and metric, then by dimension


def tables_of(cells: Iterable[Cell]) -> Periods:
    """The shown cells by period and metric, then by dimension, then by group; of one told twice the one that is shown."""
    tables: Periods = defaultdict(lambda: defaultdict(dict))
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
    """The unknowns that the equations determine, and their values."""
    place = {cell: number for number, cell in enumerate(unknown)}
    matrix = np.zeros((len(equations), len(unknown)))
    for number, (cells, _) in enumerate(equations):
        matrix[number, [place[cell] for cell in cells]] = 1
    fixed = determined(matrix)
    if not fixed:
        return
    solution = np.linalg.lstsq(matrix, np.array([persons for _, persons in equations], dtype=float), rcond=None)[0]
    for number in fixed:
        yield unknown[number], round(float(solution[number]))


def determined(matrix: NDArray[np.float64]) -> list[int]:
    """The columns of the unknowns that the equations (rows) determine: those on which no vector of the null space depends."""
    if not matrix.size:
        return []
    _, strengths, directions = np.linalg.svd(matrix)
    free = np.abs(directions[int((strengths > EXACT).sum()) :]).max(axis=0, initial=0) > EXACT
    return [int(column) for column in np.flatnonzero(~free)]


def _tells(n: int, shares: Sequence[float] | None, limits: Limits) -> bool:
    """Whether a sum of `n` persons, shared out as `shares`, tells of too few."""
    return 0 < n < limits.minimum or bool(0 < n < limits.uniform and shares and max(shares) > 1 - EXACT)


def _number(cell: Cell) -> int:
    return cell.n or 0


# -- between waves, and between cuts through the same people ---------------------------------------------------------------------


class Change(NamedTuple):
    """What is published of how alike two tables are, for one shown group of the first one.

    `band` (`1-4`, `5-9`, `10+`) counts the persons by whom a sum of the group differs from the most similar sum of the other
    table, of those that differ at all; `sums` names the two. `is_held`: who is in both tables is taken to have answered alike.
    """

    period: str
    dimension: str
    group: str
    other_period: str
    other_dimension: str
    band: str
    sums: str = ""
    is_held: bool = True


def by_membership(
    cells: Iterable[Cell], changes: Iterable[Change], previous: Iterable[tuple[str, str]], limits: Limits
) -> Iterator[Leak]:
    """Two sums of almost the same persons: their difference tells of the few who are in one of them alone.

    A shown group of which nothing says how alike it is to the table beside it, or before it, counts as one that tells of one
    person: a reader may know who came and who went.

    Args:
        cells: one release.
        changes: what it tells of the membership of its tables.
        previous: periods and the ones before them, of which it must tell.
    """
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for cell in cells:
        if cell.n is not None:
            shown[cell.period, cell.dimension].add(cell.group)
    told = {change[:5]: change for change in changes}
    pairs = {(period, dimension, *other) for period, dimension, _, *other in told}
    pairs |= {(wave, name, before, name) for wave, before in previous for period, name in shown if period == wave}
    pairs |= {(*table, *other) for table in shown for other in shown if other[0] == table[0] and other[1] < table[1]}
    for period, dimension, other_period, other_dimension in sorted(pairs):
        attack = "slices" if period == other_period else "waves"
        if not shown.get((other_period, other_dimension)):
            continue
        for group in sorted(shown.get((period, dimension), ())):
            change = told.get((period, dimension, group, other_period, other_dimension))
            where = f"{period} {group} ({dimension}) against {other_period} ({other_dimension})"
            if change is None:
                yield Leak(attack, 1, f"{where}: nothing tells how many persons part them")
            elif change.is_held and (persons := int(re.split("[-+]", change.band)[0])) < limits.minimum:
                yield Leak(attack, persons, f"{period} {change.sums or group}, in {other_period}")


# -- between releases ------------------------------------------------------------------------------------------------------------


def between_releases(new: Iterable[Cell], old: Iterable[Cell], limits: Limits) -> Iterator[Leak]:
    """The same group with a few persons more or fewer; a sum of the one release filled in with cells of the other; two waves of
    which each release shows one alone.
    """
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
    yield from _never_together(new_tables, old_tables)


def _filled_in(where: str, shown: Shown, others: Shown, limits: Limits) -> Iterator[Leak]:
    """A group of one release less the groups in it, those hidden in that release taken from the other."""
    both = {**others, **shown}
    for group, within in inside(both).items():
        if group in shown and any(one not in shown for one in within):
            rest = _number(shown[group]) - sum(_number(both[one]) for one in within)
            if 0 < abs(rest) < limits.minimum:
                yield Leak("releases", abs(rest), f"{where}: {group} less what two releases show in it")


def _never_together(new: Periods, old: Periods) -> Iterator[Leak]:
    """Two waves, one shown by each release alone: neither tells how many persons part them."""
    mine, theirs = (
        {(period, group) for (period, _), dimensions in one.items() for shown in dimensions.values() for group in shown}
        for one in (new, old)
    )
    since, no_more = (dict(sorted(cells, reverse=True)) for cells in (mine - theirs, theirs - mine))
    for wave, group in sorted(since.items()):
        for other, gone in sorted(no_more.items()):
            if other != wave:
                yield Leak(
                    "releases", 1, f"{wave} {group} is shown since and {other} {gone} no more: nothing tells how alike they are"
                )


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
