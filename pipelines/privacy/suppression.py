"""Which groups of a view are hidden, and why.

A view is one way to cut the persons of one period into groups inside groups: the organisation of a wave, its bands of tenure. In
the order of the views given, the earliest first, a group is hidden

- as `small_group`: of one of its metrics it holds fewer persons than the minimum;
- as `uniform`: fewer than `uniform` persons, of whom all judge alike, so that the score is everybody's own;
- as `complement`: the hidden groups of one parent, and those who sit in the parent itself, could be worked out as the parent less
  what is shown. The next smallest is hidden with them until they are two and what they hold together may be told;
- as `parent_hidden`: it lies below a hidden group;
- as `same_members` or `slices`: with an earlier period, or with another view of the same one, it would single out fewer persons
  than the minimum (see `cuts.py`). The smallest group that stops this is hidden, and the rules above are applied again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.privacy.cuts import OUTSIDE, small_cuts

Ints = NDArray[np.int64]
NONE = -1
# What a person's answers to the items of one metric are: all favourable, neutral or unfavourable (0 to 2); of several kinds; not
# to be judged; or not there.
MIXED, UNJUDGED, ABSENT = 3, 4, 5


@dataclass(frozen=True)
class People:
    """Persons of a view: who they are (numbers, the same in every view), the smallest group each is in (its place in `groups`,
    -1: none), per metric the mood of their answers (0 to 2, MIXED, UNJUDGED or ABSENT), and whether they left a comment.
    """

    who: Ints
    places: Ints
    moods: NDArray[np.int8]
    commenting: NDArray[np.bool_]


class View:
    """One period cut by one dimension.

    Args:
        period, dimension: what it is called.
        groups: their names, parents before children.
        parents: the place of each one's parent in `groups`, -1 for the root, which comes first.
        direct: persons who sit in each group itself, by metric and mood (groups x metrics x 5).
        minimum: smallest group shown.
        people: who they are; without them the view is not held against others.
        compared: the earlier periods of which the answers still held in this one.
    """

    def __init__(
        self,
        period: str,
        dimension: str,
        groups: Sequence[str],
        parents: Sequence[int],
        direct: Ints,
        *,
        minimum: int = 5,
        people: People | None = None,
        compared: frozenset[str] = frozenset(),
    ) -> None:
        self.period, self.dimension, self.groups, self.parents = period, dimension, list(groups), list(parents)
        self.direct, self.minimum, self.people, self.compared = direct, minimum, people, compared
        self.totals = direct.copy()
        self.children: list[list[int]] = [[] for _ in self.groups]
        for group in range(len(self.groups) - 1, 0, -1):
            self.totals[self.parents[group]] += self.totals[group]
            self.children[self.parents[group]].insert(0, group)
        self.persons = self.totals.sum(axis=2)
        self.sizes = self.persons.max(axis=1)
        self.reasons: list[str | None] = [None] * len(self.groups)

    def owners(self) -> list[int]:
        """For each group the shown one it counts in: itself, or the nearest above it; -1 when there is none."""
        owners: list[int] = []
        for group, parent in enumerate(self.parents):
            owners.append(group if self.reasons[group] is None else owners[parent] if parent >= 0 else NONE)
        return owners


def view_of_people(
    period: str,
    dimension: str,
    groups: Sequence[str],
    parents: Sequence[int],
    people: People,
    *,
    minimum: int = 5,
    compared: frozenset[str] = frozenset(),
) -> View:
    """The view that counts `people`."""
    metrics = people.moods.shape[1]
    counts = np.zeros((len(groups), metrics, ABSENT + 1), dtype=np.int64)
    inside = people.places >= 0
    for metric in range(metrics):
        np.add.at(counts[:, metric], (people.places[inside], people.moods[inside, metric]), 1)
    direct = counts[:, :, :ABSENT].copy()
    return View(period, dimension, groups, parents, direct, minimum=minimum, people=people, compared=compared)


def decide(views: Sequence[View], uniform: int = 10) -> None:
    """Write `reasons` into each view; of two views that may not both be shown as they are the later one hides more.

    Args:
        views: the earlier periods first; of one period the most important dimension first.
        uniform: a group under this size is hidden when all of it judge alike.
    """
    for number, view in enumerate(views):
        decide_beside(view, views[:number], uniform)


def decide_beside(view: View, others: Iterable[View], uniform: int) -> None:
    """Write `reasons` into `view`, the others being decided."""
    for group in range(len(view.groups)):
        view.reasons[group] = own_reason(view.totals[group], view.minimum, uniform)
    hide_complements(view, uniform)
    for other in others:
        if other.period == view.period and view.dimension.startswith(f"{other.dimension} x "):
            hide_what_a_pair_leaves(view, other, uniform)
        if other.period == view.period or other.period in view.compared:
            hide_what_another_view_singles_out(view, other, uniform)


def own_reason(counts: Ints, minimum: int, uniform: int) -> str | None:
    """Why these persons, counted by metric and mood, may not be told of; None when they may, or when there are none."""
    persons = counts.sum(axis=1)
    if ((persons > 0) & (persons < minimum)).any():
        return "small_group"
    judged = counts[:, :UNJUDGED].sum(axis=1)
    alike = (judged > 0) & (counts[:, :MIXED].max(axis=1) == judged) & (persons < uniform)
    return "uniform" if alike.any() else None


def hide_complements(view: View, uniform: int) -> None:
    """Hide what lies below a hidden group, and beside a hidden one what would give it away; from the top down."""
    for group, children in enumerate(view.children):
        if view.reasons[group] is not None:
            for child in children:
                view.reasons[child] = view.reasons[child] or "parent_hidden"
        elif children:
            hide_complement_of(view, group, uniform)


def hide_complement_of(view: View, group: int, uniform: int) -> None:
    """Hide children of a shown group, the smallest first, until two parts of it are hidden that together may be told of."""
    hidden = [child for child in view.children[group] if view.reasons[child] is not None]
    shown = [child for child in view.children[group] if view.reasons[child] is None]
    shown.sort(key=lambda child: (view.sizes[child], view.groups[child]))
    rest = view.direct[group] + view.totals[hidden].sum(axis=0)
    parts = len(hidden) + bool(view.direct[group].any())
    while shown and ((hidden and parts < 2) or own_reason(rest, view.minimum, uniform)):
        smallest = shown.pop(0)
        view.reasons[smallest] = "complement"
        hidden.append(smallest)
        rest = rest + view.totals[smallest]
        parts += 1


def hide_what_a_pair_leaves(view: View, other: View, uniform: int) -> None:
    """Of a pair (`A | 1-3`) hide bands of a group that `other` shows until the group less the bands shown may be told of."""
    pairs_of: dict[str, list[int]] = {}
    for pair, name in enumerate(view.groups):
        pairs_of.setdefault(name.rpartition(" | ")[0], []).append(pair)
    for group, name in enumerate(other.groups):
        bands = [pair for pair in pairs_of.get(name, []) if view.reasons[pair] is None]
        bands.sort(key=lambda pair: (view.sizes[pair], view.groups[pair]))
        rest = other.totals[group] - view.totals[bands].sum(axis=0)
        while other.reasons[group] is None and bands and own_reason(rest, view.minimum, uniform):
            smallest = bands.pop(0)
            view.reasons[smallest] = "slices"
            rest = rest + view.totals[smallest]
    hide_complements(view, uniform)


def hide_what_another_view_singles_out(view: View, other: View, uniform: int) -> None:
    """Hide groups of `view` until no sums and differences with the shown ones of `other` speak of fewer persons than the minimum.

    Each metric is looked at on its own: not everybody answers every item.
    """
    mine, theirs = view.people, other.people
    if mine is None or theirs is None:
        return
    everybody = np.union1d(mine.who, theirs.who)
    mine_at, theirs_at = np.searchsorted(everybody, mine.who), np.searchsorted(everybody, theirs.who)
    checked: set[bytes] = set()
    for metric in range(mine.moods.shape[1]):
        answered, they_answered = mine.moods[:, metric] != ABSENT, theirs.moods[:, metric] != ABSENT
        same = answered.tobytes() + they_answered.tobytes()
        if same in checked or not (answered.any() and they_answered.any()):
            continue
        checked.add(same)
        their_nodes = np.full(len(everybody), OUTSIDE)
        their_nodes[theirs_at[they_answered]] = _nodes(other, theirs, len(view.groups))[they_answered]
        while True:
            nodes = np.full(len(everybody), OUTSIDE)
            nodes[mine_at[answered]] = _nodes(view, mine, 0)[answered]
            sides = small_cuts(_edges(nodes, their_nodes), min(view.minimum, other.minimum))
            found = (_smallest_on_the_edge(view, side) for side in sides)
            groups = {group for group in found if group is not None}
            if not groups:
                break
            for group in groups:
                view.reasons[group] = "slices" if view.period == other.period else "same_members"
            hide_complements(view, uniform)


def _nodes(view: View, people: People, offset: int) -> Ints:
    """The node of each person's block; blocks are numbered from 1 + offset."""
    owners = np.array([*view.owners(), NONE])
    blocks = owners[people.places]
    return np.where(blocks >= 0, blocks + 1 + offset, OUTSIDE)


def _edges(one: Ints, other: Ints) -> dict[tuple[int, int], int]:
    width = int(max(one.max(), other.max())) + 1
    pairs, persons = np.unique(one * width + other, return_counts=True)
    return {divmod(pair, width): count for pair, count in zip(pairs.tolist(), persons.tolist(), strict=True)}


def _smallest_on_the_edge(view: View, side: set[int]) -> int | None:
    """The smallest shown group that lies on another side of the cut than the shown group around it.

    None when no group of this view crosses the cut: then the other view tells of those persons by itself.
    """
    owners = view.owners()
    candidates = []
    for group, parent in enumerate(view.parents):
        if owners[group] == group:
            around = owners[parent] + 1 if parent >= 0 else OUTSIDE
            if (group + 1 in side) != (around in side):
                candidates.append(group)
    return min(candidates, key=lambda group: (view.sizes[group], view.groups[group]), default=None)
