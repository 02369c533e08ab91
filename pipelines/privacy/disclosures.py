"""From who is in which group to which groups may be shown: frames in, one row per group out.

A dimension is `org_unit` (paths joined by /, `all` around them), a slice (a column of the members, e.g. `tenure`), a pair
`<dimension> x <slice>`, whose groups are called `<group> | <band>`, or `initiative`: all arms of one, together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.privacy.arms import ALL, INITIATIVE, ORG_UNIT, Arms, arms_of, decide_register, decide_surveys
from pipelines.privacy.suppression import ABSENT, MIXED, UNJUDGED, Ints, People, View, decide, view_of_people

ROOT = ""  # around the bands of a slice; the company itself is the organisation's `all`
PAIR = " x "
COLUMNS = {
    "population": "string",
    "period": "string",
    "dimension": "string",
    "group_value": "string",
    "n": "int64",
    "is_suppressed": "bool",
    "suppress_reason": "string",
    "shows_drivers": "bool",
    "shows_comments": "bool",
}


@dataclass(frozen=True)
class Thresholds:
    """Smallest groups, in persons, and what is cut: the slices, and the pairs of a dimension and a slice."""

    scores: int = 5
    comments: int = 10
    drivers: int = 30
    uniform: int = 10
    open_days: int = 14
    slices: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


def named(slices: str, pairs: str) -> dict[str, tuple[Any, ...]]:
    """Thresholds' `slices` and `pairs` from two lists in text: `tenure` and `org_unit x tenure`, several divided by commas."""
    return {
        "slices": tuple(name.strip() for name in slices.split(",") if name.strip()),
        "pairs": tuple(tuple(pair.strip().split(PAIR)) for pair in pairs.split(",") if pair.strip()),
    }


def employee_disclosures(
    headcounts: pd.DataFrame,
    members: pd.DataFrame,
    scores: pd.DataFrame,
    subjects: pd.DataFrame,
    thresholds: Thresholds,
    last_day: pd.Timestamp,
) -> pd.DataFrame:
    """One row per population x period x dimension x group: may it be shown, and if not, why?

    Args:
        headcounts: a row per period and org_unit, with n.
        members: a row per wave and person_key who answered, with org_unit, the slices, is_commenting, min_n, and the wave's
            first_day, last_day and valid_until (empty: for ever).
        scores: a row per wave, person_key and metric, with judged_n, favourable_n, neutral_n and unfavourable_n.
        subjects: a row per initiative_key and subject_key, with what `Arms` asks for.
        thresholds: see there.
        last_day: the last day whose rows have landed. A wave that was answered less than `open_days` before it is still open:
            what a later night would add to it would be told by the difference of two releases.

    Returns:
        COLUMNS, sorted by the first four.
    """
    headcount = headcount_views(headcounts, thresholds.scores)
    decide(headcount, thresholds.uniform)
    survey, open_waves = survey_views(members, scores, thresholds, last_day), set(_open_waves(members, thresholds, last_day))
    closed = [view for view in survey if view.period not in open_waves]
    ends = members.groupby("wave").agg({"first_day": "min", "last_day": "max"})
    days = {str(wave): (pd.Timestamp(first), pd.Timestamp(last)) for wave, first, last in ends.itertuples()}
    initiatives = arms_of(subjects)
    told = decide_surveys(initiatives, closed, days, thresholds.uniform)
    for view in survey:
        if view.period in open_waves:
            view.reasons = ["wave_open"] * len(view.groups)
    rows = [row for view in headcount for row in _rows("headcount", view, thresholds)]
    rows += [row for view in survey for row in _rows("survey", view, thresholds)]
    register = decide_register(initiatives, headcounts, thresholds.scores)
    rows += [_row_of_arms("headcount", arms, view) for arms, view in register]
    rows += [_row_of_arms("survey", arms, view) for arms, view in told]
    made = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return made.sort_values(list(COLUMNS)[:4], ignore_index=True)


def headcount_views(headcounts: pd.DataFrame, minimum: int) -> list[View]:
    """A view per period of the register. Only numbers are known, and only rounded ones are shown, so periods are not compared."""
    views = []
    for period, units in headcounts.groupby("period"):
        persons = dict(zip(units["org_unit"].astype(str), units["n"].astype(int), strict=True))
        groups, parents = nested({chain for unit in persons for chain in [unit_chain(unit)]})
        direct = np.zeros((len(groups), 1, ABSENT), dtype=np.int64)
        totals = [persons.get(group, 0) for group in groups]
        for group, total in enumerate(totals):
            direct[group, 0, UNJUDGED] += total
            if parents[group] >= 0:
                direct[parents[group], 0, UNJUDGED] -= total
        views.append(View(str(period), ORG_UNIT, groups, parents, direct.clip(min=0), minimum=minimum))
    return views


def survey_views(members: pd.DataFrame, scores: pd.DataFrame, thresholds: Thresholds, last_day: pd.Timestamp) -> list[View]:
    """The views of all waves, the earlier ones first; in a wave the organisation first, then the slices, then the pairs."""
    numbers = {key: number for number, key in enumerate(sorted(set(members["person_key"])))}
    metrics = sorted(set(scores["metric"]))
    by_wave = dict(iter(scores.groupby("wave")))
    dimensions: list[tuple[str, ...]] = [(ORG_UNIT,), *((one,) for one in thresholds.slices), *thresholds.pairs]
    views: list[View] = []
    earlier: list[tuple[str, pd.Timestamp]] = []
    for wave, persons in sorted(members.groupby("wave"), key=lambda item: (item[1]["last_day"].max(), str(item[0]))):
        first_day, valid_until = persons["first_day"].min(), persons["valid_until"].max()
        compared = frozenset(name for name, until in earlier if pd.isna(until) or until >= first_day)
        earlier.append((str(wave), valid_until))
        who = np.array([numbers[key] for key in persons["person_key"]])
        moods = _moods(persons["person_key"], by_wave.get(wave, scores.iloc[:0]), metrics)
        commenting = persons["is_commenting"].to_numpy(dtype=bool)
        minimum = max(thresholds.scores, int(persons["min_n"].fillna(0).max()))
        for parts in dimensions:
            chains = list(_chains(persons, parts))
            groups, parents = nested(set(chains))
            place = {group: number for number, group in enumerate(groups)}
            people = People(who, np.array([place[chain[-1]] for chain in chains]), moods, commenting)
            name = PAIR.join(parts)
            views.append(view_of_people(str(wave), name, groups, parents, people, minimum=minimum, compared=compared))
    return views


def unit_chain(unit: str) -> tuple[str, ...]:
    """`all` and each unit around `unit`, the outermost first, itself last."""
    if unit == ALL:
        return (ALL,)
    parts = unit.split("/")
    return (ALL, *("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)))


def nested(chains: set[tuple[str, ...]]) -> tuple[list[str], list[int]]:
    """All groups of the chains, the outer ones before those inside them, and the place of each one's parent (-1: none)."""
    parent_of = {group: chain[depth - 1] if depth else "" for chain in chains for depth, group in enumerate(chain)}
    depth_of = {group: depth for chain in chains for depth, group in enumerate(chain)}
    groups = sorted(parent_of, key=lambda group: (depth_of[group], group))
    place = {group: number for number, group in enumerate(groups)}
    return groups, [place[parent_of[group]] if depth_of[group] else -1 for group in groups]


def _chains(persons: pd.DataFrame, parts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """For each person the groups of one dimension they are in."""
    outer = persons[parts[0]].astype(str)
    chains = [unit_chain(value) if parts[0] == ORG_UNIT else (ROOT, value) for value in outer]
    if len(parts) == 1:
        yield from chains
        return
    for chain, band in zip(chains, persons[parts[1]].astype(str), strict=True):
        yield (ROOT, *(f"{group or ALL} | {band}" for group in chain))


def _moods(keys: pd.Series, scores: pd.DataFrame, metrics: Sequence[str]) -> NDArray[np.int8]:
    """Persons x metrics, and first a column of all who took part."""
    place = {key: number for number, key in enumerate(keys)}
    moods = np.full((len(place), len(metrics) + 1), ABSENT, dtype=np.int8)
    moods[:, 0] = UNJUDGED
    known = scores[scores["person_key"].isin(place.keys())]
    counts = known[["favourable_n", "neutral_n", "unfavourable_n"]].to_numpy(dtype=np.int64)
    mood = np.where(counts.max(axis=1, initial=0) == counts.sum(axis=1), counts.argmax(axis=1) if len(counts) else 0, MIXED)
    mood = np.where(counts.sum(axis=1) == 0, UNJUDGED, mood)
    at = known["person_key"].map(place).to_numpy(dtype=np.int64)
    column = known["metric"].map({metric: number + 1 for number, metric in enumerate(metrics)}).to_numpy(dtype=np.int64)
    moods[at, column] = mood
    return moods


def _open_waves(members: pd.DataFrame, thresholds: Thresholds, last_day: pd.Timestamp) -> list[str]:
    closing = pd.to_datetime(members.groupby("wave")["last_day"].max())
    return [str(wave) for wave in closing.index[(last_day - closing).dt.days < thresholds.open_days]]


def _commenters(view: View) -> Ints:
    """Persons of each group who left a comment."""
    if view.people is None:
        return np.zeros(len(view.groups), dtype=np.int64)
    commenters = np.bincount(view.people.places[view.people.commenting], minlength=len(view.groups))
    for group in range(len(view.groups) - 1, 0, -1):
        commenters[view.parents[group]] += commenters[group]
    return commenters


def _rows(population: str, view: View, thresholds: Thresholds) -> Iterator[dict[str, object]]:
    """A row per group; the root around the bands of a slice is none."""
    commenters = _commenters(view)
    for group, name in enumerate(view.groups):
        if name != ROOT:
            reason, persons = view.reasons[group], view.persons[group]
            fewest = persons[persons > 0].min(initial=view.sizes[group])  # who answered the metric that the fewest did
            yield {
                "population": population,
                "period": view.period,
                "dimension": view.dimension,
                "group_value": name,
                "n": int(view.sizes[group]),
                "is_suppressed": reason is not None,
                "suppress_reason": reason,
                "shows_drivers": reason is None and bool(fewest >= thresholds.drivers),
                "shows_comments": reason is None and bool(commenters[group] >= thresholds.comments),
            }


def _row_of_arms(population: str, arms: Arms, view: View) -> dict[str, object]:
    """One row for all arms of an initiative in a period; `n` is the smallest of them."""
    reason = next((reason for reason in view.reasons[1:] if reason), None)
    return {
        "population": population,
        "period": view.period,
        "dimension": INITIATIVE,
        "group_value": arms.initiative,
        "n": int(view.sizes[1:].min()),
        "is_suppressed": reason is not None,
        "suppress_reason": reason,
        "shows_drivers": False,
        "shows_comments": False,
    }
