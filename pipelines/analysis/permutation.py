"""Intervals for few subjects: which effects does a permutation test not reject?"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_PERMUTATIONS = 4_999  # that are drawn where there are more
LEAST_PERMUTATIONS = 999  # of many subjects, so that a draw of all fits into memory
MOST_DRAWN = 10_000_000  # subjects in all permutations together
SEED = 20_260_401  # of the draw, so that the same data give the same interval
SAFETY = 2  # standard errors of a draw


def permutation_interval(
    found: float, others: Floats, share: Floats, alpha: float, *, are_drawn: bool
) -> tuple[float, float, float, float]:
    """Effect, both ends of its interval and p, by inverting the permutation test of an effect that is the same for all.

    Args:
        found: the estimate with the arms as they were.
        others: the estimate with the arms as they might have been, one per permutation (the true one among them).
        share: the estimate that each permutation gives for an effect of one, -1 to 1.
        are_drawn: the permutations are some of all. Their draw is the same every time, so its luck would never even out:
            SAFETY standard errors of a share are left on the safe side, in p as Wilson's limit (JASA 1927).

    An effect t is within the interval when at least alpha of the permutations find |others - t share| >= |found - t|. For each
    permutation those t are an interval around `found`, so the ends are order statistics of the ends.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (found - others) / (1 - share), (found + others) / (1 + share)
    ends = np.sort(np.vstack([one, two]), axis=0)
    unbounded = ~(np.abs(share) < 1 - 1e-9)
    lows, highs = np.where(unbounded, -inf, ends[0]), np.where(unbounded, inf, ends[1])
    luck = SAFETY * sqrt(alpha * (1 - alpha) / len(others)) if are_drawn else 0.0
    kept = max(0, int(np.floor((alpha - luck) * len(others))))  # so many permutations may disagree
    low, high = np.sort(lows)[kept] if kept < len(lows) else found, np.sort(highs)[::-1][kept] if kept < len(highs) else found
    p = float(np.mean(np.abs(others) >= abs(found) - 1e-9 * (1 + abs(found))))
    return found, float(low), float(high), _wilson_upper(p, len(others)) if are_drawn else p


def _wilson_upper(share: float, n: int) -> float:
    """The share whose `share` of n draws lies SAFETY standard errors below it."""
    shrink = SAFETY**2 / n
    return (share + shrink / 2 + sqrt(shrink * (share * (1 - share) + shrink / 4))) / (1 + shrink)


def draws(subjects: int) -> int:
    """How many permutations of so many subjects are drawn."""
    return min(MOST_PERMUTATIONS, max(LEAST_PERMUTATIONS, MOST_DRAWN // subjects))
