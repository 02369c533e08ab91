"""What moves engagement: how well the items of a driver hang together, and how closely the driver goes with the outcome.

Data flow: a row per wave, person and item -> per wave and unit a table of persons x items -> per driver Cronbach's alpha on
complete cases, and Pearson's r between a person's driver score and the outcome. The outcome is the person's answer to the
recommendation question, else the mean of the items outside the driver: with its own items in it a driver would move itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import atanh, sqrt, tanh
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
COLUMNS = {
    "wave": "string",
    "org_unit": "string",
    "driver": "string",
    "items_n": "int64",
    "alpha_n": "int64",
    "alpha": "float64",
    "alpha_ci_low": "float64",
    "alpha_ci_high": "float64",
    "impact_on": "string",
    "impact_n": "int64",
    "impact": "float64",
    "impact_ci_low": "float64",
    "impact_ci_high": "float64",
}


class Estimate(NamedTuple):
    """A statistic with the ends of its 95 % interval and the persons it is made of; None where there is none."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def cronbach_alpha(items: Floats) -> Estimate:
    """Internal consistency of the items (persons x items, reversed ones turned), persons with a gap left out.

    alpha = k / (k - 1) x (1 - sum of the items' variances / variance of the sum): Cronbach, Psychometrika 1951. Interval: Feldt,
    Woodruff & Salih, Applied Psychological Measurement 1987. None for a single item, fewer than two persons, or persons who do
    not differ.
    """
    from scipy.stats import f

    complete = items[~np.isnan(items).any(axis=1)]
    n, k = complete.shape
    if k < 2 or n < 2:
        return Estimate(n)
    whole = float(complete.sum(axis=1).var(ddof=1))
    if whole <= 0:
        return Estimate(n)
    alpha = k / (k - 1) * (1 - float(complete.var(axis=0, ddof=1).sum()) / whole)
    free, tail = (n - 1, (n - 1) * (k - 1)), (1 - CONFIDENCE) / 2
    low, high = (1 - (1 - alpha) * float(f.ppf(p, *free)) for p in (1 - tail, tail))
    return Estimate(n, alpha, low, high)


def pearson(x: Floats, y: Floats) -> Estimate:
    """Correlation over the pairs without a gap, with Fisher's interval (Metron 1921); None where one side does not vary."""
    from scipy.stats import norm

    both = ~(np.isnan(x) | np.isnan(y))
    n = int(both.sum())
    if n < 3:
        return Estimate(n)
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    scale = sqrt(float((x**2).sum()) * float((y**2).sum()))
    if scale < 1e-9:
        return Estimate(n)
    r = max(-1.0, min(1.0, float((x * y).sum()) / scale))
    if n < 4 or abs(r) == 1:
        return Estimate(n, r)
    margin = float(norm.ppf((1 + CONFIDENCE) / 2)) / sqrt(n - 3)
    return Estimate(n, r, tanh(atanh(r) - margin), tanh(atanh(r) + margin))


def driver_statistics(items: pd.DataFrame, units: pd.DataFrame, *, least: int) -> pd.DataFrame:
    """One row per wave, unit and driver: COLUMNS. A statistic of fewer than `least` persons is left empty, its n is told.

    Args:
        items: a row per wave x person x rating or nps item: `wave`, `person_key`, `question_key`, `kind`, `driver`, `score_100`.
        units: a row per wave x unit x person who belongs to it: `wave`, `org_unit`, `person_key`.
        least: persons a statistic needs.
    """
    rows = []
    for wave, of_wave in items.groupby("wave", sort=True):
        scores = of_wave.pivot_table(index="person_key", columns="question_key", values="score_100", aggfunc="mean")
        asked = of_wave.drop_duplicates("question_key").set_index("question_key")
        ratings = asked.index[asked["kind"] == "rating"]
        recommend = asked.index[asked["kind"] == "nps"]
        of_units = units[units["wave"] == wave]
        for unit, members in of_units.groupby("org_unit", sort=True):
            own = scores[scores.index.isin(members["person_key"])]
            for driver, listed in asked[asked["kind"] == "rating"].groupby("driver", sort=True):
                inside = own[listed.index].to_numpy(float)
                impact_on = "enps" if len(recommend) else "other_drivers"
                outcome = own[recommend if len(recommend) else ratings.difference(listed.index)].to_numpy(float)
                alpha = _shown(cronbach_alpha(inside), least)
                impact = _shown(pearson(_means(inside), _means(outcome)), least)
                rows.append((wave, unit, driver, len(listed), *alpha, impact_on, *impact))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _means(table: Floats) -> Floats:
    """Mean of each row without its gaps; NaN for a row of gaps."""
    known = ~np.isnan(table)
    count = known.sum(axis=1)
    means: Floats = np.divide(np.where(known, table, 0).sum(axis=1), count, out=np.full(len(table), np.nan), where=count > 0)
    return means


def _shown(found: Estimate, least: int) -> Iterator[float | None]:
    kept = found if found.n >= least else Estimate(found.n)
    yield from (kept.n, *(None if part is None else round(part, 6) for part in kept[1:]))


def company_and_business_units(people: pd.DataFrame) -> pd.DataFrame:
    """Who belongs to the company, `all`, and to which business unit: units as `driver_statistics` takes them.

    `people` has wave, person_key and business_unit, which is missing for whoever has none.
    """
    known = people[people["business_unit"].notna()]
    parts = [people.assign(org_unit="all"), known.assign(org_unit=known["business_unit"])]
    return pd.concat(parts, ignore_index=True)[["wave", "org_unit", "person_key"]]
