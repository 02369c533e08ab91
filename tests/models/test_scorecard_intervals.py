"""Intervals of the scorecard on random rows: the compiled models against statsmodels and scipy."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from tests.models.compiled import Compiled

SIX_DECIMALS = 5.1e-7  # what the table holds
MONTH = date(2025, 3, 1)
RNG = np.random.default_rng(4)
CUSTOMERS = pd.DataFrame({"customer_key": [f"c{n}" for n in range(40)], "orders": RNG.integers(1, 4, 40)})
SALES = CUSTOMERS.loc[CUSTOMERS.index.repeat(CUSTOMERS["orders"])].assign(
    shop="s", month_start=MONTH, net_jpy=lambda rows: RNG.gamma(2, 2000, len(rows)).round()
)
BOUGHT = SALES.groupby(["shop", "customer_key", "month_start"], as_index=False).agg(
    net_jpy=("net_jpy", "sum"), orders=("net_jpy", "size")
)
SUBSCRIPTIONS = pd.DataFrame(
    {
        "shop": "t",
        "month_start": MONTH,
        "subscription_key": [f"a{n}" for n in range(30)],
        "state_opening": "active",
        "mrr_opening_jpy": RNG.integers(1, 5, 30) * 1000.0,
    }
).assign(mrr_closing_jpy=lambda rows: rows["mrr_opening_jpy"] * RNG.choice([0, 1, 1, 1, 1.5], 30))
RATINGS = RNG.integers(2, 6, 25)
DAYS = pd.DataFrame(
    {
        "account_key": "x:a",
        "day": [MONTH + timedelta(days=n) for n in range(31)],
        "engagements": RNG.poisson(40, 31),
        "followers": 1000 + 3 * np.arange(31),
        "comparable_since": pd.NaT,
    }
).astype({"comparable_since": "datetime64[us]"})
SUGGESTIONS = pd.DataFrame(
    [
        {"org_unit": unit, "events": n, "events_per_100": 2.0 * n, "adoption_rate": share}
        for unit, n, share in (("A", 10, 0.5), ("B", 50, 0.25), ("C", 400, 0.75))
    ]
).assign(kind="suggestion", org_level=1, month_start=MONTH, is_suppressed=False)
KEPT = pd.DataFrame([{"shop": "t", "month_start": MONTH, "is_complete": True, "opening": 30, "logo_retention_rate": 28 / 30}])


@pytest.fixture(scope="module")
def models(target: Path) -> Compiled:
    return Compiled(target, ())


@pytest.fixture(scope="module")
def intervals(models: Compiled) -> Iterator[duckdb.DuckDBPyConnection]:
    spreads = next(built := _built(models, "int_customer_spreads", int_customer_shop_months=BOUGHT))
    spread = spreads.table("int_customer_spreads").df()
    built.close()
    yield from _built(
        models,
        "int_scorecard_intervals",
        int_customer_spreads=spread,
        fct_subscription_months=SUBSCRIPTIONS,
        fct_reviews=pd.DataFrame({"shop": "s", "business_date": MONTH, "is_incentivised": False, "rating": RATINGS}),
        rpt_sns_account_days=DAYS,
    )


@pytest.fixture(scope="module")
def reported(models: Compiled) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from _built(models, "int_scorecard_report_values", rpt_employee_activities=SUGGESTIONS, rpt_subscription_months=KEPT)


def _built(models: Compiled, name: str, **given: pd.DataFrame) -> Generator[duckdb.DuckDBPyConnection]:
    """The model on the tables it reads, typed as their contracts say, with the rows of `given` in them."""
    node = models.nodes[f"model.engagement.{name}"]
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; use warehouse")
        for parent in (models.nodes[parent] for parent in node["depends_on"]["nodes"]):
            columns = ", ".join(f'"{column}" {about["data_type"]}' for column, about in parent["columns"].items())
            connection.execute(f"create table main.{parent['name']} ({columns})")
        for table, rows in given.items():
            connection.register("rows_of_table", rows)
            connection.execute(f"insert into main.{table} by name from rows_of_table")
        connection.execute(f"create table main.{name} as {node['compiled_code']}")
        yield connection


def _interval(connection: duckdb.DuckDBPyConnection, model: str, metric: str, unit: str) -> tuple[float, float]:
    found: Any = connection.execute(
        f"select cast(ci_low as double), cast(ci_high as double) from {model} where metric_code = ? and business_unit = ?",
        [metric, unit],
    ).fetchone()
    return (float(found[0]), float(found[1]))


@pytest.mark.parametrize(
    "metric", ["arpu_jpy", "aov_jpy", "purchase_frequency", "net_revenue_retention", "sns_engagement_rate_followers"]
)
def test_a_ratio_of_sums_is_as_sure_as_a_weighted_regression_with_robust_errors(
    intervals: duckdb.DuckDBPyConnection, metric: str
) -> None:
    """Weights of one in the denominator make the slope the ratio of the sums, and HC1 its linearised variance."""
    people = SALES.groupby("customer_key").agg(net=("net_jpy", "sum"), orders=("net_jpy", "size")).assign(one=1)
    numerator, denominator, unit = {
        "arpu_jpy": (people["net"], people["one"], "s"),
        "aov_jpy": (people["net"], people["orders"], "s"),
        "purchase_frequency": (people["orders"], people["one"], "s"),
        "net_revenue_retention": (SUBSCRIPTIONS["mrr_closing_jpy"], SUBSCRIPTIONS["mrr_opening_jpy"], "t"),
        "sns_engagement_rate_followers": (DAYS["engagements"], DAYS["followers"] / len(DAYS), "x:a"),
    }[metric]
    whole = denominator.astype(float)
    peer = WLS(numerator.astype(float), whole, weights=1 / whole).fit(cov_type="HC1", use_t=False)
    expected = peer.params.iloc[0] + np.array([-1.96, 1.96]) * peer.bse.iloc[0]
    assert _interval(intervals, "int_scorecard_intervals", metric, unit) == pytest.approx(expected, rel=1e-9, abs=SIX_DECIMALS)


def test_a_mean_rating_is_as_sure_as_the_textbooks_mean(intervals: duckdb.DuckDBPyConnection) -> None:
    expected = DescrStatsW(RATINGS).zconfint_mean(2 * stats.norm.sf(1.96))
    found = _interval(intervals, "int_scorecard_intervals", "mean_rating", "s")
    assert found == pytest.approx(expected, rel=1e-9, abs=SIX_DECIMALS)


@pytest.mark.parametrize("n", [6, 7, 8, 12, 31, 200])
def test_a_medians_ranks_hold_it_95_times_in_100(models: Compiled, n: int) -> None:
    """Minutes 1 to n tell the ranks: at least 95 % by the binomial distribution, and not much more."""
    mentions = pd.DataFrame(
        {"account_key": "x:a", "business_date": MONTH, "is_incentivised": False, "minutes_to_first_reply": range(1, n + 1)}
    )
    connection = next(built := _built(models, "int_scorecard_intervals", fct_sns_mentions=mentions))
    low, high = _interval(connection, "int_scorecard_intervals", "minutes_to_first_reply", "x:a")
    built.close()
    holds = stats.binom.cdf(high - 1, n, 0.5) - stats.binom.cdf(low - 1, n, 0.5)
    assert 0.95 <= holds <= 0.995


@pytest.mark.parametrize(("unit", "n", "share"), [("A", 10, 0.5), ("B", 50, 0.25), ("C", 400, 0.75)])
def test_shares_are_wilsons_and_counts_are_poissons(reported: duckdb.DuckDBPyConnection, unit: str, n: int, share: float) -> None:
    adopted = _interval(reported, "int_scorecard_report_values", "suggestion_adoption_rate", unit)
    assert adopted == pytest.approx(proportion_confint(share * n, n, method="wilson"), abs=1e-4)
    per_100 = _interval(reported, "int_scorecard_report_values", "suggestions_per_100", unit)
    exact = (stats.chi2.ppf(0.025, 2 * n) / 2, stats.chi2.ppf(0.975, 2 * n + 2) / 2)
    assert per_100 == pytest.approx([2 * end for end in exact], rel=0.005)


def test_of_28_subscriptions_kept_of_30_the_interval_is_wilsons(reported: duckdb.DuckDBPyConnection) -> None:
    kept = _interval(reported, "int_scorecard_report_values", "logo_retention_rate", "t")
    assert kept == pytest.approx(proportion_confint(28, 30, method="wilson"), abs=1e-4)
