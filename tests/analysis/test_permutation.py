"""Intervals from permutations, against the test itself and against Wilson's limit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from pipelines.analysis.permutation import permutation_interval


def test_the_permutation_interval_is_the_set_of_effects_that_the_test_does_not_reject() -> None:
    outcome, treated = np.array([3.0, 8.0, 5.0, 9.0, 1.0, 2.0, 4.0, 2.5]), np.array([True] * 4 + [False] * 4)
    chosen = np.array([[i in members for i in range(8)] for members in combinations(range(8), 4)])
    weights = chosen / 4 - ~chosen / 4

    def p(effect: float) -> float:
        rest = weights @ (outcome - effect * treated)
        return float(np.mean(np.abs(rest) >= abs(rest[0]) - 1e-9))

    found, others, shares = float(weights[0] @ outcome), weights @ outcome, weights @ treated
    _, low, high, p_zero = permutation_interval(found, others, shares, 0.05, are_drawn=False)
    assert p_zero == p(0)
    grid = np.linspace(low - 2, high + 2, 400)
    assert all(
        (p(effect) > 0.05) == (low < effect < high) for effect in grid if min(abs(effect - low), abs(effect - high)) > 0.02
    )


def test_of_drawn_permutations_an_effect_is_rejected_only_beyond_the_luck_of_the_draw() -> None:
    """Of 400 permutations 20 may disagree at 5 %; two standard errors of that number are 8.7, so 11 may."""
    others = np.concatenate([[1.0], np.linspace(2, 3, 11), np.full(388, 0.1)])  # an effect of zero: 12 of 400 find as much
    shares = np.concatenate([[1.0], np.zeros(399)])
    _, low, _, p = permutation_interval(1.0, others, shares, 0.05, are_drawn=True)
    assert low <= 0
    assert p > 0.05
    assert p == pytest.approx(proportion_confint(12, 400, alpha=2 * norm.sf(2), method="wilson")[1])
    _, low, _, p = permutation_interval(1.0, np.where(others == 3, 0.1, others), shares, 0.05, are_drawn=True)
    assert low > 0
    assert p < 0.05
    _, low, _, p = permutation_interval(1.0, others, shares, 0.05, are_drawn=False)
    assert low > 0
    assert p == 12 / 400
