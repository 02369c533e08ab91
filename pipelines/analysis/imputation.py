"""What would have been where a measure began at one subject after the other: numbers only, the claims are made elsewhere.

All orders in which it might have begun are worked out at once: a permutation interval needs a thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20_260_401  # of the orders, so that a night gives the same interval as the night before
MOST_ORDERS = 999
MOST_NUMBERS = 4_000_000  # of the equations that are solved at once, so that memory stays small


class Imputed(NamedTuple):
    """By order of the starts: the mean of the treated cells that could be judged less their prediction, for the values (`gap`)
    and for an effect of one (`share`), and the `slope` of the drift that was taken out. NaN where no cell could be judged, or
    nothing before the starts tells a drift.
    """

    gap: Floats
    share: Floats
    slope: Floats


def imputed(y: Floats, starts: Floats, periods: Floats, ones: Floats, *, with_drift: bool = False) -> Imputed:
    """The imputation for each order of the starts.

    Args:
        y: values, subjects x periods, NaN where there is none.
        starts: first treated period, orders x subjects, infinite for those who never start.
        periods: of the columns of `y`.
        ones: one where there is an effect of one, else zero; shaped as `y`.
        with_drift: learn a drift from the same cells as the means (Frisch & Waugh, Econometrica 1933) and take it out.
    """
    at_once = max(1, MOST_NUMBERS // sum(y.shape) ** 2)
    parts = [_imputed(y, starts[first : first + at_once], periods, ones, with_drift) for first in range(0, len(starts), at_once)]
    return Imputed(*map(np.concatenate, zip(*parts, strict=True)))


def _imputed(y: Floats, starts: Floats, periods: Floats, ones: Floats, with_drift: bool) -> Imputed:
    free = ~np.isnan(y) & (periods < starts[:, :, None])
    cells = judged(y, starts, periods)
    given = [np.broadcast_to(one, free.shape) for one in (np.nan_to_num(y), ones)]
    rests = without_means(free, np.stack([*given, drift(starts, periods)] if with_drift else given, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = (rests * cells[:, None]).sum(axis=(2, 3)) / cells.sum(axis=(1, 2))[:, None]
        slopes = np.zeros((len(starts), 2))
        if with_drift:
            learnt = rests[:, 2] * free
            spread = (learnt**2).sum(axis=(1, 2))
            slopes = (rests[:, :2] * learnt[:, None]).sum(axis=(2, 3)) / np.where(spread > 1e-9, spread, np.nan)[:, None]
            gaps = gaps[:, :2] - slopes * gaps[:, 2:]
    return Imputed(gaps[:, 0], gaps[:, 1], slopes[:, 0])


def judged(y: Floats, starts: Floats, periods: Floats) -> NDArray[np.bool_]:
    """The treated cells whose subject was seen untreated, in a period in which another one was; orders x subjects x periods."""
    known = ~np.isnan(y)
    treated = periods >= starts[:, :, None]
    free = known & ~treated
    cells: NDArray[np.bool_] = known & treated & free.any(axis=2, keepdims=True) & free.any(axis=1, keepdims=True)
    return cells


def drift(starts: Floats, periods: Floats) -> Floats:
    """A drift of one per period of the first to start against the last (or those who never do), in proportion between them;
    orders x subjects x periods.
    """
    ends = np.where(np.isfinite(starts), starts, periods.max() + 1)
    last, first = ends.max(axis=1, keepdims=True), ends.min(axis=1, keepdims=True)
    earliness = (last - ends) / np.maximum(last - first, 1e-9)
    drifts: Floats = earliness[:, :, None] * periods
    return drifts


def without_means(cells: NDArray[np.bool_], values: Floats) -> Floats:
    """What subject mean plus period mean, learnt by least squares from `cells`, leave of each of `values`.

    `cells` are orders x subjects x periods, `values` and the result orders x figures x subjects x periods. By the normal
    equations, whose size is subjects + periods.
    """
    orders, n, t = cells.shape
    seen = cells.astype(float)
    left = np.zeros((orders, n + t, n + t))
    left[:, range(n), range(n)] = seen.sum(axis=2)
    left[:, range(n, n + t), range(n, n + t)] = seen.sum(axis=1)
    left[:, :n, n:] = seen
    left[:, n:, :n] = seen.transpose(0, 2, 1)
    known = values * seen[:, None]
    right = np.concatenate([known.sum(axis=3), known.sum(axis=2)], axis=2).transpose(0, 2, 1)
    # All of a subject up, all of the periods down is the same prediction: the ridge picks one of these, and nobody is the wiser.
    means = np.linalg.solve(left + 1e-9 * np.eye(n + t), right).transpose(0, 2, 1)
    rests: Floats = values - means[:, :, :n, None] - means[:, :, None, n:]
    return rests


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
