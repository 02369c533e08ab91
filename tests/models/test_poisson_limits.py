"""The limits of a count of leavers (Byar's approximation in SQL) against exact ones."""

from __future__ import annotations

import duckdb
import jinja2
import pytest
from scipy.stats import chi2
from statsmodels.stats.rates import confint_poisson

from pipelines.settings import PROJECT

MACROS = PROJECT / "dbt_project" / "macros" / "turnover.sql"


def limits(events: int) -> tuple[float, float]:
    """What the macros make of a count."""
    macros = jinja2.Environment().from_string(MACROS.read_text(encoding="utf-8"), globals={"var": lambda _: 1.96}).module
    sql = f"select {macros.poisson_low('n')}, {macros.poisson_high('n')} from (select {events}::bigint as n)"  # type: ignore[attr-defined]
    low, high = duckdb.sql(sql).fetchall()[0]
    return float(low), float(high)


@pytest.mark.parametrize("events", [0, 1, 2, 3, 5, 8, 13, 40, 200, 3000])
def test_byars_limits_lie_beside_the_exact_ones(events: int) -> None:
    low, high = limits(events)
    exact = (chi2.ppf(0.025, 2 * events) / 2 if events else 0.0, chi2.ppf(0.975, 2 * events + 2) / 2)
    assert confint_poisson(events, 1, method="exact-c") == pytest.approx(exact, nan_ok=True)
    assert abs(low - exact[0]) < 0.03
    assert abs(high - exact[1]) < 0.03
