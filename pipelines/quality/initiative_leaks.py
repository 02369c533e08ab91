"""The leak auditor on initiatives: do the figures of their arms, in one release or in several, give a hidden unit away?

Each figure is a mean of units and waves, so a linear equation in their scores. The scores of shown units are known; what the
equations determine beside them follows for the reader, too. A score is taken to be the same in every release: how one differs
from an earlier one is seen in the cells of shown units (`leaks.between_releases`), and of hidden ones in a figure that moved.

    one release      -> by_initiatives
    all that is kept -> between_estimates
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from pipelines.quality.leaks import ORG_UNIT, Cell, Leak, determined

TWO_ARMS = ("holdout", "diff_in_diff")
STEP = 1e-6  # figures are published to six decimals; the last one may be rounded either way
LEAST_TREND = 3  # waves before the start that a unit's trend is made of

Weights = dict[tuple[str, str], float]  # by unit and wave
Equation = frozenset[tuple[tuple[str, str], float]]  # the weights of what is hidden


class Place(NamedTuple):
    """A unit's wave in an initiative: in which arm, before or since the start, and the day its period began."""

    initiative: str
    unit: str
    wave: str
    is_treated: bool
    is_since: bool
    day: date


class Told(NamedTuple):
    """The figures of an initiative for one metric of survey answers by a day (None: to the end); None where it is not told."""

    initiative: str
    metric: str
    day: date | None
    design: str
    baseline: float | None = None
    actual: float | None = None
    effect: float | None = None
    pre_trend: float | None = None


class Estimates(NamedTuple):
    """What one release tells of initiatives: the units and waves shown, what the figures are made of, and the figures."""

    shown: frozenset[tuple[str, str]]
    places: frozenset[Place]
    told: frozenset[Told]

    def used(self, figures: Told) -> frozenset[Place]:
        """What these figures are made of."""
        ours = (one for one in self.places if one.initiative == figures.initiative)
        return frozenset(one for one in ours if figures.day is None or one.day <= figures.day)


def estimates_of(cells: Iterable[Cell], places: Iterable[Place], told: Iterable[Told]) -> Estimates:
    """The estimates of a release, beside the units that its cells show."""
    shown = frozenset((cell.group, cell.period) for cell in cells if cell.dimension == ORG_UNIT and cell.n is not None)
    return Estimates(shown, frozenset(places), frozenset(told))


def by_initiatives(release: Estimates) -> Iterator[Leak]:
    """What the arms of initiatives are made of, less the units that are shown: does a hidden unit's score of a wave follow?

    Of a hidden unit the number of persons is not known here, so any counts.
    """
    for metric, unit, wave in sorted(_followed([release])):
        yield Leak("initiatives", 1, f"{metric}: the figures of initiatives less the shown units give {unit} in {wave}")


def between_estimates(new: Estimates, kept: Mapping[str, Estimates]) -> Iterator[Leak]:
    """What a release and earlier ones tell together of a hidden unit, and of what changed in one since.

    Leaks that lie in one of them, or in the earlier ones alone, are not repeated.

    Args:
        new: the release in question.
        kept: the earlier ones by name.
    """
    if new in kept.values():
        return
    told: set[tuple[str, str, str]] = set()
    for name, old in kept.items():
        yield from (Leak("releases", 1, f"release {name}: {how}") for how in _moved(new, old))
        both = _followed_only_with(new, [old])
        told |= both
        for metric, unit, wave in sorted(both):
            yield Leak("releases", 1, f"release {name}: {metric}: the figures of initiatives in both give {unit} in {wave}")
    names = ", ".join(sorted(kept))
    for metric, unit, wave in sorted(_followed_only_with(new, list(kept.values())) - told):
        yield Leak("releases", 1, f"releases {names}: {metric}: the figures of initiatives in all give {unit} in {wave}")


def _moved(new: Estimates, old: Estimates) -> Iterator[str]:
    """Figures made of the same units and waves, that are others all the same: in one that is hidden somebody's answer changed.

    Where all those units are shown, the figures tell nothing that the units do not.
    """
    before = {figures[:4]: figures for figures in old.told}
    for figures in sorted(new.told, key=str):
        earlier = before.get(figures[:4])
        if earlier is None:
            continue
        used = new.used(figures)
        hidden = {(one.unit, one.wave) for one in used} - (new.shown & old.shown)
        if hidden and used == old.used(earlier):
            pairs = zip(Told._fields[4:], figures[4:], earlier[4:], strict=True)
            moved = [name for name, now, then in pairs if now is not None and then is not None and abs(now - then) > 2 * STEP]
            if moved:
                by = f" by {figures.day}" if figures.day else ""
                yield (
                    f"{figures.initiative} {figures.metric}{by}: {', '.join(moved)} moved, of the same units and waves, "
                    f"of which {len(hidden)} are hidden"
                )


def _followed_only_with(new: Estimates, old: Sequence[Estimates]) -> set[tuple[str, str, str]]:
    """What a release and earlier ones determine, but neither it alone nor they without it."""
    together = _followed([new, *old]) - _followed([new])
    return together - _followed(old) if together else together


def _followed(releases: Sequence[Estimates]) -> set[tuple[str, str, str]]:
    """Metric, unit and wave of every score that no release shows and all of them together determine."""
    known = {one for release in releases for one in release.shown}
    by_metric: dict[str, set[Equation]] = defaultdict(set)
    for release in releases:
        for figures in release.told:
            for weights in _equations(figures, release.used(figures)):
                by_metric[figures.metric].add(frozenset(one for one in weights.items() if one[0] not in known))
    # Most metrics are told of the same units and waves.
    metrics_of: dict[frozenset[Equation], list[str]] = defaultdict(list)
    for metric, equations in by_metric.items():
        metrics_of[frozenset(equations)].append(metric)
    found: set[tuple[str, str, str]] = set()
    for alike, metrics in metrics_of.items():
        hidden = sorted({one for equation in alike for one, _ in equation})
        matrix = [[dict(equation).get(one, 0.0) for one in hidden] for equation in alike]
        found |= {(metric, *hidden[number]) for number in determined(np.array(matrix)) for metric in metrics}
    return found


def _equations(figures: Told, places: Iterable[Place]) -> Iterator[Weights]:
    """The weights of units and waves in baseline, in actual, in effect and in the trend before the start. Where that trend is
    told, effect is the shift beside the units' trends; else effect less the rest gives the change of the others.

    Of two arms each unit counts once, by its mean over the waves; else each wave of a unit counts.
    """
    is_of_two_arms = figures.design in TWO_ARMS
    sides: dict[tuple[bool, bool], list[Place]] = defaultdict(list)
    for one in places:
        sides[one.is_treated, one.is_since].append(one)

    def mean(*, is_treated: bool, is_since: bool, sign: int = 1) -> Weights:
        chosen = sides[is_treated, is_since]
        waves = Counter(one.unit for one in chosen)
        weight = {one: 1 / (len(waves) * waves[one.unit]) if is_of_two_arms else 1 / len(chosen) for one in chosen}
        return {(one.unit, one.wave): sign * share for one, share in weight.items()}

    if figures.baseline is not None:
        yield mean(is_treated=True, is_since=False)
    if figures.actual is not None:
        yield mean(is_treated=True, is_since=True)
    shift: Weights = {}
    if figures.pre_trend is not None and figures.design == "diff_in_diff":
        shift = {**_shift(sides[True, False], sides[True, True], 1), **_shift(sides[False, False], sides[False, True], -1)}
    if figures.effect is not None and shift:
        yield shift
    elif figures.effect is not None and is_of_two_arms:
        yield {**mean(is_treated=False, is_since=True), **mean(is_treated=False, is_since=False, sign=-1)}
    if figures.pre_trend is not None and is_of_two_arms:
        yield {**_slope(sides[True, False], 1), **_slope(sides[False, False], -1)}


def _slope(places: Iterable[Place], sign: int) -> Weights:
    """The weights of units and waves in the mean of the units' least-squares slopes per day."""
    of_unit: dict[str, list[Place]] = defaultdict(list)
    for one in places:
        of_unit[one.unit].append(one)
    long = [waves for waves in of_unit.values() if len(waves) >= LEAST_TREND]
    weights: Weights = {}
    for waves in long:
        days = np.array([one.day.toordinal() for one in waves], dtype=float)
        offsets = days - days.mean()
        shares = sign * offsets / ((offsets**2).sum() * len(long))
        weights |= {(one.unit, one.wave): float(share) for one, share in zip(waves, shares, strict=True)}
    return weights


def _shift(before: Sequence[Place], since: Sequence[Place], sign: int) -> Weights:
    """The weights of units and waves in the mean of the units' shifts at the start, each beside its level and straight trend."""
    of_unit: dict[str, list[Place]] = defaultdict(list)
    for one in [*before, *since]:
        of_unit[one.unit].append(one)
    long = [waves for waves in of_unit.values() if LEAST_TREND <= sum(not one.is_since for one in waves) < len(waves)]
    weights: Weights = {}
    for waves in long:
        days = np.array([one.day.toordinal() for one in waves], dtype=float)
        line = np.column_stack([np.ones(len(waves)), days - days.mean()])
        step = np.array([float(one.is_since) for one in waves])
        rest = step - line @ np.linalg.lstsq(line, step, rcond=None)[0]
        shares = sign * rest / (rest @ rest * len(long))
        weights |= {(one.unit, one.wave): float(share) for one, share in zip(waves, shares, strict=True)}
    return weights
