"""The shift of the level at a start, beside each subject's own straight trend: numbers only, the claims are made elsewhere.

A subject's level and trend are learnt from all its periods together with the shift (comparative interrupted time series with a
trend per subject: St.Clair, Hallberg & Cook, JEBS 2016; Wooldridge, Econometric Analysis, 2010, section 11.7). What that leaves
of a panel does not depend on who started when. So permuting the starts is an exact test whatever the trends are, and all orders
in which the measure might have begun are worked out at once.
"""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.analysis.permutation import MOST_PERMUTATIONS, SEED, draws

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

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


def _waves(known: Bools, periods: Floats, *, with_trend: bool) -> tuple[Floats, Floats]:
    """The periods as panels without lines, periods x subjects x periods, and the inverse of their products with each other."""
    each = np.broadcast_to(np.eye(len(periods))[:, None, :], (len(periods), *known.shape))
    waves = without_lines(each, known, periods, with_trend=with_trend)
    products = np.einsum("vnt,wnt->vw", waves, waves)
    return waves, np.linalg.pinv(products, rcond=NOTHING, hermitian=True)


def _without_waves(rests: Floats, waves: Floats, inverse: Floats) -> Floats:
    """What waves that all subjects share leave of panels that are without lines (Frisch & Waugh, Econometrica 1933)."""
    return rests - np.tensordot(np.einsum("gnt,wnt->gw", rests, waves) @ inverse, waves, axes=1)


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
    waves, inverse = _waves(known, periods, with_trend=with_trend)
    true = (periods >= starts[:, None]).astype(float)
    given = _without_waves(without_lines(np.stack([y, true]), known, periods, with_trend=with_trend), waves, inverse)
    # Each figure of an order is a sum over its subjects, and a subject has but few starts: look each up.
    begun, number = np.unique(starts, return_inverse=True)
    steps = np.broadcast_to((periods >= begun[:, None, None]).astype(float), (len(begun), *y.shape))
    steps = without_lines(steps, known, periods, with_trend=with_trend)
    order = orders(number.astype(np.int16))

    def summed(figures: Floats) -> Floats:
        total = np.zeros((len(order), figures.shape[2]))
        for subject in range(len(y)):
            total += figures[order[:, subject], subject]
        return total

    squares = summed((steps**2).sum(axis=2, keepdims=True)) - _squares(summed(_products(steps, waves)), inverse)
    shifts = summed(_products(steps, given)) / np.where(squares > NOTHING, squares, np.nan)
    return shifts[:, 0], shifts[:, 1]


def _products(panels: Floats, others: Floats) -> Floats:
    """By panel, subject and other panel: the sum over the periods of their products."""
    products: Floats = np.einsum("snt,gnt->sng", panels, others)
    return products


def _squares(along: Floats, inverse: Floats) -> Floats:
    """The sum of squares that waves explain, given the products with them; orders x 1."""
    squares: Floats = np.einsum("ov,vw,ow->o", along, inverse, along)[:, None]
    return squares


def drifts_before(y: Floats, starts: Floats, periods: Floats, free: Bools) -> Floats:
    """By how much more per period the first to start rose against the last (or those who never do), in proportion between them,
    in the `free` cells: for each order of the starts, the true one first; 0 where an order has no drift in these cells.
    """
    ends = np.where(np.isfinite(starts), starts, periods.max() + 1)
    earliness = orders(((ends.max() - ends) / max(ends.max() - ends.min(), NOTHING)).astype(np.float32))
    waves, inverse = _waves(free, periods, with_trend=False)
    rise = _without_waves(without_lines(y[None], free, periods, with_trend=False), waves, inverse)
    line = without_lines(np.broadcast_to(periods, (1, *free.shape)), free, periods, with_trend=False)
    squares = earliness**2 @ (line[0] ** 2).sum(axis=1) - _squares(earliness @ _products(line, waves)[0], inverse)[:, 0]
    drifts: Floats = earliness @ (line[0] * rise[0]).sum(axis=1) / np.where(squares > NOTHING, squares, np.inf)
    return drifts


def are_drawn(subjects: int) -> bool:
    """Whether so many subjects have more orders than a night can afford."""
    return factorial(subjects) > MOST_PERMUTATIONS


def orders(figures: NDArray[Any]) -> NDArray[Any]:
    """The subjects' figures in all orders, or in as many drawn ones as a night can afford; the true one is the first.

    Orders x subjects.
    """
    if not are_drawn(len(figures)):
        return np.array(list(permutations(figures)))
    drawn = np.tile(figures, (1 + draws(len(figures)), 1))
    np.random.default_rng(SEED).permuted(drawn[1:], axis=1, out=drawn[1:])
    return drawn
