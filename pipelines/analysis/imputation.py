"""What would have been where a measure began at one subject after the other: numbers only, the claims are made elsewhere."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20_260_401  # of the orders, so that a night gives the same interval as the night before
MOST_ORDERS = 999


class Imputed(NamedTuple):
    """Mean of the treated cells that could be judged less their prediction, for the values and for an effect of one; the slope
    of the drift that was taken out; which cells were judged.
    """

    gap: float
    share: float
    slope: float
    judged: NDArray[np.bool_]


def imputed(
    y: Floats, starts: Floats, periods: Floats, ones: Floats | None = None, *, with_drift: bool = False
) -> Imputed | None:
    """The imputation; None when no cell could be judged, or nothing before the starts tells a drift.

    `ones` is one where there is an effect of one (without it: where these starts treat). The drift is learnt from the same cells
    as the means (Frisch & Waugh, Econometrica 1933).
    """
    treated = periods[None, :] >= starts[:, None]
    free = ~np.isnan(y) & ~treated
    judged = np.logical_and(treated & ~np.isnan(y), np.logical_and.outer(free.any(axis=1), free.any(axis=0)))
    if not judged.any():
        return None
    given = [y, treated.astype(float) if ones is None else ones]
    drifts = [drift(starts, periods)] if with_drift else []
    rests = [one - means for one, means in zip([*given, *drifts], two_way(free, *given, *drifts), strict=True)]
    gaps, slopes = [float(rest[judged].mean()) for rest in rests], [0.0, 0.0]
    if with_drift:
        learnt = rests[2][free]
        if (learnt**2).sum() < 1e-9:
            return None
        slopes = [float((rest[free] * learnt).sum() / (learnt**2).sum()) for rest in rests[:2]]
        gaps = [gap - slope * gaps[2] for gap, slope in zip(gaps[:2], slopes, strict=True)]
    return Imputed(gaps[0], gaps[1], slopes[0], judged)


def drift(starts: Floats, periods: Floats) -> Floats:
    """A drift of one per period of the first to start against the last (or those who never do), in proportion between them."""
    ends = np.where(np.isfinite(starts), starts, periods.max() + 1)
    return ((ends.max() - ends) / max(ends.max() - ends.min(), 1e-9))[:, None] * periods[None, :]


def two_way(cells: NDArray[np.bool_], *values: Floats) -> list[Floats]:
    """Subject mean plus period mean in every cell, learnt by least squares from `cells` alone, for each of `values`.

    By the normal equations, whose size is subjects + periods: a thousand permutations need it a thousand times.
    """
    n = len(cells)
    seen = cells.astype(float)
    known = [np.where(cells, one, 0.0) for one in values]
    left = np.block([[np.diag(seen.sum(axis=1)), seen], [seen.T, np.diag(seen.sum(axis=0))]])
    right = np.column_stack([np.concatenate([one.sum(axis=1), one.sum(axis=0)]) for one in known])
    # All of a subject up, all of the periods down is the same prediction: the ridge picks one of these, and nobody is the wiser.
    means = np.linalg.solve(left + 1e-9 * np.eye(len(left)), right)
    return [means[:n, place][:, None] + means[n:, place][None, :] for place in range(len(values))]


def orders(n: int) -> list[list[int]]:
    """All orders of n subjects, or as many drawn ones as a night can afford; the true one is the first."""
    if n <= 6:
        return [list(order) for order in permutations(range(n))]
    rng = np.random.default_rng(SEED)
    most = min(MOST_ORDERS, factorial(n) - 1)
    return [list(range(n)), *(rng.permutation(n).tolist() for _ in range(most))]
