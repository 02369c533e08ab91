"""Laws of money and of customers on random orders: the compiled models against sums made by hand, pandas, and every dbt test."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given

from tests.models.compiled import LAW, Compiled
from tests.models.shopping import CURRENCIES, Order, Shopping, landing, seeds, shoppings

REPORTS = (
    "fct_order_lines", "dim_customers", "rpt_sales_days", "rpt_customer_months", "rpt_customer_cohorts", "rpt_second_purchases",
    "rpt_rfm_segments",
)  # fmt: skip
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def models(target: Path) -> Compiled:
    return Compiled(target, REPORTS)


def rate(shopping: Shopping, shop: str, day: date) -> Decimal | None:
    """Yen per unit: the newest rate up to the day; a yen is a yen."""
    if CURRENCIES[shop] == "JPY":
        return Decimal(1)
    known = [pair for pair in sorted(shopping.rates) if pair[0] <= day]
    return known[-1][1] if known else None


def yen(amount: Decimal, at: Decimal | None) -> Decimal | None:
    return None if at is None else (amount * at).quantize(CENT, ROUND_HALF_UP)


def taken_back(number: int, order: Order, in_yen: Decimal | None, at: Decimal | None) -> list[tuple[date, Decimal | None]]:
    """Day and goods in yen of each adjustment of a sold order, in the order they came: never more than it held."""
    adjustments = [(a.day, f"a{number}-{place}", a.amount, a.line) for place, a in enumerate(order.adjustments)]
    if order.status == "returned":
        total = sum((line.amount + line.tax for line in order.lines), Decimal(0))
        adjustments.append((order.day + timedelta(days=3), f"o{number}-return", min(-total, Decimal(0)), None))
    held = max(order.net, Decimal(0))
    so_far, yen_so_far, goods = Decimal(0), yen(Decimal(0), at), []
    for day, _, amount, line in sorted(adjustments, key=lambda a: a[:2]):
        if line is None or order.lines[line].kind in ("item", "discount"):
            so_far = min(so_far - amount, held)
        now = in_yen if so_far == order.net else yen(so_far, at)
        goods.append((day, None if now is None or yen_so_far is None else yen_so_far - now))
        yen_so_far = now
    return goods


def sales_by_day(shopping: Shopping) -> dict[tuple[str, date], Decimal | None]:
    """Net sales in yen by shop and day, summed from the made-up orders; None where a rate is missing."""
    parts: dict[tuple[str, date], list[Decimal | None]] = defaultdict(list)
    for number, order in enumerate(shopping.orders):
        if order.is_sold:
            at = rate(shopping, order.shop, order.day)
            # As an order is booked: its goods and its discounts, each to the hundredth.
            gross = yen(sum((line.amount for line in order.lines if line.kind == "item"), Decimal(0)), at)
            discount = yen(sum((line.amount for line in order.lines if line.kind == "discount"), Decimal(0)), at)
            in_yen = None if gross is None or discount is None else gross + discount
            parts[order.shop, order.day].append(in_yen)
            for day, goods in taken_back(number, order, in_yen, at):
                parts[order.shop, day].append(goods)
    for shop, stray in shopping.strays:
        parts[shop, stray.day].append(yen(stray.amount, rate(shopping, shop, stray.day)))
    for (_, day), amounts in list(parts.items()):
        parts["all", day] += amounts
    return {key: None if None in amounts else sum(amounts, Decimal(0)) for key, amounts in parts.items()}


@LAW
@given(shopping=shoppings)
def test_lines_are_orders_are_days_are_months_and_every_dbt_test_holds(models: Compiled, shopping: Shopping) -> None:
    warehouse = models.build(landing(shopping), seeds(shopping))
    assert models.failures(warehouse) == {}
    orders = dict(warehouse.sql("select order_id, (net_amount, is_sold) from fct_orders").fetchall())
    assert orders == {f"o{number}": (order.net, order.is_sold) for number, order in enumerate(shopping.orders)}
    rows = warehouse.sql("select shop, date_day, net_sales_jpy from rpt_sales_days").fetchall()
    expected = sales_by_day(shopping)
    assert {(shop, day): net for shop, day, net in rows if (shop, day) in expected or net != 0} == expected


@LAW
@given(shopping=shoppings)
def test_customers_repeats_and_cohorts_are_those_that_pandas_counts(models: Compiled, shopping: Shopping) -> None:
    warehouse = models.build(landing(shopping), seeds(shopping))
    sold = pd.DataFrame(
        [(shop, order.person, order.day) for order in shopping.orders for shop in (order.shop, "all") if order.is_sold],
        columns=["shop", "person", "day"],
    ).dropna()
    sold["month"] = pd.to_datetime(sold["day"]).dt.to_period("M")
    sold["cohort"] = sold.groupby(["shop", "person"])["month"].transform("min")
    active = sold.groupby(["shop", "cohort", "month"])["person"].nunique()
    expected = {(shop, str(cohort), str(month)): n for (shop, cohort, month), n in active.items()}
    rows = warehouse.sql("""select shop, strftime(cohort_month, '%Y-%m'), strftime(month_start, '%Y-%m'), active_customers
        from rpt_customer_cohorts where active_customers > 0""").fetchall()
    assert {row[:3]: row[3] for row in rows} == expected
    repeaters = sold.groupby(["shop", "person"])["day"].nunique().ge(2).groupby("shop").agg(["sum", "size"])
    rows = warehouse.sql("""select shop, arg_max(repeat_customers_by_day, month_start), arg_max(customers_to_date, month_start)
        from rpt_customer_months group by shop having max(customers_to_date) > 0""").fetchall()
    assert {row[0]: row[1:] for row in rows} == {shop: (int(row["sum"]), int(row["size"])) for shop, row in repeaters.iterrows()}
