"""The shift of the level at a start, beside each subject's own straight trend: numbers only, the claims are made elsewhere.

A subject's level and trend are learnt from all its periods together with the shift (comparative interrupted time series with a
trend per subject: St.Clair, Hallberg & Cook, JEBS 2016; Wooldridge, Econometric Analysis, 2010, section 11.7.2). What that leaves
of a panel does not depend on who started when. So permuting the starts is an exact test whatever the trends are, and all orders
in which the measure might have begun are worked out at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SEED = 20_260_401  # of the orders, so that a night gives the same interval as the night before
MOST_ORDERS = 999
MOST_NUMBERS = 4_000_000  # that are worked on at once, so that memory stays small
NOTHING = 1e-9  # a sum of squares under which nothing is left to learn from


def without_lines(values: Floats, known: Bools, periods: Floats, *, with_trend: bool) -> Floats:
    """What each subject's level (and straight trend) over its known periods leaves of `values`; 0 where nothing is known.

    `values` are any number of panels of subjects x periods, `known` is one such panel.
    """
    counts = np.maximum(known.sum(axis=-1, keepdims=True), 1)

    def centred(figures: Floats) -> Floats:
        inside = np.where(known, figures, 0.0)
        return np.where(known, inside - inside.sum(axis=-1, keepdims=True) / counts, 0.0)

    rest = centred(values)
    if with_trend:
        steps = centred(np.broadcast_to(periods, known.shape))
        squares = np.maximum((steps**2).sum(axis=-1, keepdims=True), NOTHING)
        rest = rest - steps * (rest * steps).sum(axis=-1, keepdims=True) / squares
    return rest


def without_waves(rests: Floats, known: Bools, periods: Floats, *, with_trend: bool) -> Floats:
    """What the waves that all subjects share leave of panels that are without lines (Frisch & Waugh, Econometrica 1933)."""
    each = np.broadcast_to(np.eye(len(periods))[:, None, :], (len(periods), *known.shape))
    waves = without_lines(each, known, periods, with_trend=with_trend).reshape(len(periods), -1)
    learnt = np.linalg.pinv(waves @ waves.T, rcond=NOTHING, hermitian=True) @ waves
    flat = rests.reshape(len(rests), -1)
    return (flat - flat @ learnt.T @ waves).reshape(rests.shape)


def of_subjects(y: Floats, since: Bools, periods: Floats, *, with_trend: bool) -> Floats:
    """Each subject's own shift from the periods before to those `since`; NaN where its periods do not tell one."""
    known = ~np.isnan(y)
    step = without_lines(np.broadcast_to(since.astype(float), y.shape), known, periods, with_trend=with_trend)
    squares = (step**2).sum(axis=1)
    shifts: Floats = (step * np.nan_to_num(y)).sum(axis=1) / np.where(squares > NOTHING, squares, np.nan)
    return shifts


def of_orders(y: Floats, starts: Floats, periods: Floats, *, with_trend: bool) -> tuple[Floats, Floats]:
    """The shift that all subjects share at their starts, for each order of the starts (the true one first), of the values and
    of an effect of one. NaN where an order tells none.

    Args:
        y: values, subjects x periods, NaN where there is none.
        starts: first treated period of each subject, infinite for those who never start.
        periods: of the columns of `y`.
        with_trend: beside the subjects' trends, else beside their levels alone.
    """
    known = ~np.isnan(y)
    true = (periods >= starts[:, None]).astype(float)
    given = without_lines(np.stack([y, true]), known, periods, with_trend=with_trend)
    given = without_waves(given, known, periods, with_trend=with_trend)
    found = []
    at_once = max(1, MOST_NUMBERS // y.size)
    everyone = orders(starts)
    for first in range(0, len(everyone), at_once):
        steps = (periods >= everyone[first : first + at_once, :, None]).astype(float)
        rests = without_lines(steps, known, periods, with_trend=with_trend)
        rests = without_waves(rests, known, periods, with_trend=with_trend)
        squares = (rests**2).sum(axis=(1, 2))
        found.append(np.einsum("ont,gnt->go", rests, given) / np.where(squares > NOTHING, squares, np.nan))
    shifts, shares = np.concatenate(found, axis=1)
    return shifts, shares


def drifts_before(y: Floats, starts: Floats, periods: Floats, free: Bools) -> Floats:
    """By how much more per period the first to start rose against the last (or those who never do), in proportion between them,
    in the `free` cells: for each order of the starts, the true one first; 0 where an order has no drift in these cells.
    """
    ends = np.where(np.isfinite(starts), starts, periods.max() + 1)
    earliness = (ends.max() - orders(ends)) / max(ends.max() - ends.min(), NOTHING)
    panels = np.concatenate([np.nan_to_num(y)[None], earliness[:, :, None] * periods])
    rests = without_waves(without_lines(panels, free, periods, with_trend=False), free, periods, with_trend=False)
    squares = (rests[1:] ** 2).sum(axis=(1, 2))
    drifts: Floats = (rests[1:] * rests[0]).sum(axis=(1, 2)) / np.where(squares > NOTHING, squares, np.inf)
    return drifts


def orders(starts: Floats) -> Floats:
    """All orders of the starts, or as many drawn ones as a night can afford; the true one is the first. Orders x subjects."""
    return np.array([starts[list(order)] for order in _orders(len(starts))])


def _orders(n: int) -> Iterator[tuple[int, ...]]:
    if n <= 6:
        yield from permutations(range(n))
        return
    rng = np.random.default_rng(SEED)
    yield tuple(range(n))
    for _ in range(min(MOST_ORDERS, factorial(n) - 1)):
        yield tuple(rng.permutation(n).tolist())
