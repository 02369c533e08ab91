"""Intervals for few subjects: which effects does a permutation test not reject?"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def permutation_interval(found: float, others: Floats, share: Floats, alpha: float) -> tuple[float, float, float, float]:
    """Effect, both ends of its interval and p, by inverting the permutation test of an effect that is the same for all.

    Args:
        found: the estimate with the arms as they were.
        others: the estimate with the arms as they might have been, one per permutation (the true one among them).
        share: the estimate that each permutation gives for an effect of one, -1 to 1.

    An effect t is within the interval when at least alpha of the permutations find |others - t share| >= |found - t|. For each
    permutation those t are an interval around `found`, so the ends are order statistics of the ends.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (found - others) / (1 - share), (found + others) / (1 + share)
    ends = np.sort(np.vstack([one, two]), axis=0)
    unbounded = ~(np.abs(share) < 1 - 1e-9)
    lows, highs = np.where(unbounded, -inf, ends[0]), np.where(unbounded, inf, ends[1])
    kept = int(np.floor(alpha * len(others)))  # so many permutations may disagree
    low, high = np.sort(lows)[kept] if kept < len(lows) else found, np.sort(highs)[::-1][kept] if kept < len(highs) else found
    p = float(np.mean(np.abs(others) >= abs(found) - 1e-9 * (1 + abs(found))))
    return found, float(low), float(high), p
