"""The shift of a short series at a day, when neighbouring periods hang together: one figure per period in, interval out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

RHOS = np.linspace(0.0, 0.95, 20)  # how much of a period's error the next one may carry on


class Shift(NamedTuple):
    """A coefficient with its interval and the two-sided p of zero."""

    value: float
    low: float
    high: float
    p: float


def level_shift(
    values: Floats, periods: Floats, since: Flags, *, with_trend: bool, alpha: float, rhos: Floats = RHOS
) -> tuple[Shift, Shift | None]:
    """The shift of the level from the first period of `since` on, and the slope of the trend (None without one).

    An interrupted time series (Wagner et al., J. Clin. Pharm. Ther. 2002) with AR(1) errors. A short series hides how much its
    neighbours hang together (Marriott & Pope, Biometrika 1954), so no single correlation is believed: each of `rhos` is weighed
    by how well it fits, and the interval is that of the mixture of their t distributions (Zellner & Tiao, JASA 1964). A plug-in
    correlation gave intervals that held the truth too seldom.

    Args:
        values: one figure per period, in order.
        periods: the number of each; a period without a figure is left out.
        since: whether each lies after the start.
    """
    n = len(values)
    columns = [np.ones(n), since.astype(float), *([periods - periods[~since][-1]] if with_trend else [])]
    design = np.column_stack(columns)
    centres, scales, weights = [], [], []
    for rho in rhos:
        whitened = _whiten(np.column_stack([design, values]), rho)
        q, r = np.linalg.qr(whitened[:, :-1])
        inverse = np.linalg.inv(r)
        projected = q.T @ whitened[:, -1]
        left = float(whitened[:, -1] @ whitened[:, -1] - projected @ projected)
        left = max(left, 1e-18 * float(values @ values) + 1e-300)  # a series without any scatter
        centres.append(inverse @ projected)
        scales.append(np.sqrt((inverse**2).sum(axis=1) * left / (n - design.shape[1])))
        # The likelihood of rho with shift and scatter integrated out, times its reference prior 1 / sqrt(1 - rho^2) (Berger &
        # Yang, Econometric Theory 1994), which cancels the determinant of the whitening.
        weights.append(-np.log(np.abs(np.diag(r))).sum() - (n - design.shape[1]) / 2 * np.log(left))
    weight = np.exp(np.array(weights) - max(weights))
    weight /= weight.sum()
    made = [
        _mixture(np.array(centres)[:, place], np.array(scales)[:, place], weight, n - design.shape[1], alpha)
        for place in range(1, design.shape[1])
    ]
    return made[0], made[1] if with_trend else None


def _whiten(columns: Floats, rho: float) -> Floats:
    """The columns with AR(1) errors made independent (Prais & Winsten, 1954)."""
    whitened = columns.copy()
    whitened[0] *= np.sqrt(1 - rho**2)
    whitened[1:] -= rho * columns[:-1]
    return whitened


def _mixture(centres: Floats, scales: Floats, weights: Floats, freedom: int, alpha: float) -> Shift:
    """Mean, equal-tailed interval and p of a mixture of t distributions."""
    from scipy import optimize, stats

    def below(x: float) -> float:
        return float(weights @ stats.t.cdf((x - centres) / scales, freedom))

    reach = float(scales.max() * stats.t.isf(alpha / 200, freedom))
    lowest, highest = float(centres.min()) - reach, float(centres.max()) + reach
    low, high = (
        float(optimize.brentq(lambda x, tail=tail: below(x) - tail, lowest, highest)) for tail in (alpha / 2, 1 - alpha / 2)
    )
    at_zero = below(0.0)
    return Shift(float(weights @ centres), low, high, min(1.0, 2 * min(at_zero, 1 - at_zero)))
