"""Random organisations of up to five levels, what their people answer in some waves, and what a report then shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.privacy.disclosures import nested, unit_chain
from pipelines.privacy.suppression import ABSENT, UNJUDGED, People, View, view_of_people
from pipelines.quality.leaks import Cell
from tests.privacy.membership import Roster

BANDS = ("0-1", "1-3", "3+")
METRICS = ("taking_part", "score")
LEVELS = 5


@dataclass
class Organisation:
    """Views of some waves, not yet decided upon, and who answered where."""

    views: list[View]
    rosters: list[Roster]
    linked: list[tuple[str, str]]

    def cells(self) -> list[Cell]:
        """What is published: a row per group, wave and metric, empty where it is hidden."""
        return [cell for view in self.views for cell in cells_of(view)]


def cells_of(view: View) -> list[Cell]:
    """The rows of one view; the root around the bands of a slice is none."""
    found = []
    for group, name in enumerate(view.groups):
        for metric, called in enumerate(METRICS):
            persons = int(view.persons[group, metric])
            if not name or not persons:
                continue
            if view.reasons[group] is not None:
                found.append(Cell(view.period, view.dimension, name, called, None))
                continue
            moods = view.totals[group, metric, :UNJUDGED]
            shares = tuple(float(mood) for mood in moods[:3] / moods.sum()) if moods.sum() else None
            found.append(Cell(view.period, view.dimension, name, called, persons, shares=shares))
    return found


def random_organisation(rng: np.random.Generator, *, slices: bool) -> Organisation:
    """Two or three waves of one company between which a few people join, leave and move; with `slices` cut by tenure as well."""
    units = _units(rng)
    count = int(rng.integers(12, 110))
    sizes = rng.dirichlet(np.full(len(units), 0.7))
    unit_of = rng.choice(len(units), size=count, p=sizes)
    band_of = rng.integers(len(BANDS), size=count)
    here = rng.random(count) < 0.9
    restless = float(rng.choice((0.0, 0.02, 0.1, 0.4)))
    organisation = Organisation([], [], [])
    for wave in [f"w{number}" for number in range(int(rng.integers(2, 4)))]:
        organisation.linked += [(view.period, wave) for view in organisation.views if view.dimension == "org_unit"]
        _answer(organisation, wave, rng, units, unit_of, band_of, here, slices)
        here ^= rng.random(count) < restless
        moved = rng.random(count) < restless / 4
        unit_of = np.where(moved, rng.choice(len(units), size=count), unit_of)
    return organisation


def _units(rng: np.random.Generator) -> list[str]:
    """Where people sit: leaves mostly, and now and then a unit that has others below it."""
    units, found = ["all"], []
    for level in range(int(rng.integers(1, LEVELS))):
        below = []
        for unit in units:
            for child in range(int(rng.integers(1, 5 if level < 2 else 3))):
                below.append(f"u{child}" if unit == "all" else f"{unit}/u{child}")
            if rng.random() < 0.4:
                found.append(unit)
        units = [unit for unit in below if rng.random() < 0.7] or below[:1]
        found += [unit for unit in below if unit not in units]
    return sorted({*found, *units})


def _answer(
    organisation: Organisation,
    wave: str,
    rng: np.random.Generator,
    units: Sequence[str],
    unit_of: np.ndarray,
    band_of: np.ndarray,
    here: np.ndarray,
    slices: bool,
) -> None:
    who = np.flatnonzero(here)
    moods = np.full((len(who), len(METRICS)), UNJUDGED, dtype=np.int8)
    moods[:, 1] = rng.choice(3, size=len(who), p=rng.dirichlet((2, 1, 1)))
    moods[rng.random(len(who)) < 0.03, 1] = ABSENT
    dimensions = {"org_unit": [unit_chain(units[unit_of[person]]) for person in who]}
    if slices:
        bands = [BANDS[band_of[person]] for person in who]
        dimensions["tenure"] = [("", band) for band in bands]
        dimensions["org_unit x tenure"] = [
            ("", *(f"{unit} | {band}" for unit in chain)) for chain, band in zip(dimensions["org_unit"], bands, strict=True)
        ]
    earlier = frozenset(view.period for view in organisation.views)
    for dimension, chains in dimensions.items():
        groups, parents = nested(set(chains)) if chains else (["all"], [-1])
        place = {group: number for number, group in enumerate(groups)}
        places = np.array([place[chain[-1]] for chain in chains], dtype=np.int64)
        people = People(who, places, moods, np.zeros(len(who), dtype=bool))
        organisation.views.append(view_of_people(wave, dimension, groups, parents, people, compared=earlier))
        roster = {int(person): chain[-1] for person, chain in zip(who, chains, strict=True)}
        organisation.rosters.append(Roster(wave, dimension, roster))
