"""What sums and differences of two tables about the same people can single out.

Each table tells, for every block of its people, one sum; a block is who is left of a shown group once the shown groups inside it
are taken away, so blocks never overlap. A combination of both tables gives each block a weight and tells something of just those
people for whom the weights of their two blocks do not cancel out. Draw the blocks as nodes, each person as an edge between their
block in the one table and that in the other, and whoever is in one table alone as an edge to a node `OUTSIDE`: then the people a
combination speaks of are the edges between nodes of different weight, and the fewest it can speak of is the smallest cut of the
graph. So two tables are safe together when no cut is smaller than the smallest group that may be shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

OUTSIDE = 0
Edges = Mapping[tuple[int, int], int]


def small_cuts(edges: Edges, minimum: int) -> list[set[int]]:
    """Sets of nodes that fewer than `minimum` persons (at least one) join to the rest; empty only when there are none.

    Args:
        edges: persons between two nodes; an edge from a node to itself counts for nothing.
        minimum: persons from which on a group may be spoken of.

    Returns:
        Disjoint sets without OUTSIDE; not all there are, so hide something for each and ask again.
    """
    members, weights = _contract(edges, minimum)
    neighbours: dict[int, dict[int, int]] = defaultdict(dict)
    for (one, other), weight in weights.items():
        neighbours[one][other] = neighbours[other][one] = weight
    found: list[set[int]] = []
    for part in _parts(neighbours):
        loose = [{node} for node in part if sum(neighbours[node].values()) < minimum and OUTSIDE not in members[node]]
        if not loose and (side := _smallest_cut(part, neighbours, minimum)):
            holds_outside = any(OUTSIDE in members[node] for node in side)
            loose = [set(part) - side if holds_outside else side]
        found += [{node for one in side for node in members[one]} for side in loose]
    return found


def _contract(edges: Edges, minimum: int) -> tuple[dict[int, list[int]], dict[tuple[int, int], int]]:
    """Make one node of those that `minimum` persons or more join: no small cut lies between them. Repeat while there are such."""
    members: dict[int, list[int]] = {node: [node] for edge in edges for node in edge}
    members.setdefault(OUTSIDE, [OUTSIDE])
    leader = {node: node for node in members}

    def lead(node: int) -> int:
        while leader[node] != node:
            leader[node] = node = leader[leader[node]]
        return node

    weights = {edge: weight for edge, weight in edges.items() if edge[0] != edge[1]}
    while any(weight >= minimum for weight in weights.values()):
        for (one, other), weight in weights.items():
            one, other = lead(one), lead(other)
            if weight >= minimum and one != other:
                leader[other] = one
                members[one] += members.pop(other)
        merged: dict[tuple[int, int], int] = defaultdict(int)
        for (one, other), weight in weights.items():
            one, other = sorted((lead(one), lead(other)))
            if one != other:
                merged[one, other] += weight
        weights = merged
    return members, weights


def _parts(neighbours: Mapping[int, Mapping[int, int]]) -> Iterable[list[int]]:
    """The connected parts of the graph, each as its nodes."""
    seen: set[int] = set()
    for start in neighbours:
        if start in seen:
            continue
        part, waiting = [], [start]
        seen.add(start)
        while waiting:
            node = waiting.pop()
            part.append(node)
            waiting += (fresh := neighbours[node].keys() - seen)
            seen |= fresh
        yield part


def _smallest_cut(part: list[int], neighbours: Mapping[int, Mapping[int, int]], minimum: int) -> set[int]:
    """A cut under `minimum` of a connected part, by Stoer and Wagner (Journal of the ACM 44, 1997); empty when there is none."""
    weights = {node: dict(neighbours[node]) for node in part}
    members = {node: {node} for node in part}
    while len(weights) > 1:
        gains = dict.fromkeys(weights, 0)
        before = last = next(iter(weights))
        gain = 0
        while gains:
            before, last = last, max(gains, key=gains.__getitem__)
            gain = gains.pop(last)
            for other, weight in weights[last].items():
                if other in gains:
                    gains[other] += weight
        if gain < minimum:
            return members[last]
        for other, weight in weights.pop(last).items():
            del weights[other][last]
            if other != before:
                weights[other][before] = weights[before][other] = weights[before].get(other, 0) + weight
        members[before] |= members.pop(last)
    return set()
