"""The few facts that a first script would have: some columns of orders, lines, customer months with RFM, and cohorts.

    python -m tests.bench.plain_pandas.few <home> <folder for the results>

As tests.bench.plain_pandas, for the company of `engagement generate --scale` only, and customers are their mail addresses.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.plain_pandas import landing

# The columns that are made.
MADE = {
    "fct_orders": ("order_id", "customer_key", "status", "lines_n", "gross_amount", "net_amount", "tax_amount", "business_date"),
    "fct_order_lines": ("order_id", "line_no", "customer_key", "line_type", "quantity", "amount", "tax_amount", "is_sold"),
    "fct_customer_engagement_months": (
        "customer_key", "month_start", "orders", "net_sales", "orders_to_date", "recency_days", "recency_quintile",
        "frequency_quintile", "monetary_quintile",
    ),
    "rpt_customer_cohorts": ("shop", "cohort_month", "month_start", "customers", "active_customers"),
}  # fmt: skip


def read(home: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """All landed versions of a table of the shop, the newest last."""
    frame = landing.read(home, f"ec/{table}", [*columns, "business_date"])
    return frame.sort_values(landing.VERSION, kind="stable")


def facts(home: Path) -> dict[str, pd.DataFrame]:
    """The four tables."""
    orders = read(home, "orders", ["order_id", "mail_pid", "ordered_at", "status", "is_test"]).drop_duplicates(
        "order_id", keep="last"
    )
    lines = read(home, "order_lines", ["order_id", "line_no", "line_type", "quantity", "amount", "tax_amount"])
    lines = lines.drop_duplicates(["order_id", "line_no"], keep="last").drop(
        columns=["updated_at", "change_date", "business_date"]
    )
    orders = orders.rename(columns={"mail_pid": "customer_key"})
    orders["is_sold"] = ~orders["status"].isin(["cancelled", "pending"]) & ~orders["is_test"]

    lines["gross_amount"] = lines["amount"].where(lines["line_type"] == "item", 0)
    lines["net_amount"] = lines["amount"].where(lines["line_type"].isin(["item", "discount"]), 0)
    sums = lines.groupby("order_id").agg(
        lines_n=("line_no", "size"),
        gross_amount=("gross_amount", "sum"),
        net_amount=("net_amount", "sum"),
        tax_amount=("tax_amount", "sum"),
    )
    orders = orders.merge(sums, left_on="order_id", right_index=True, how="left")
    lines = lines.merge(orders[["order_id", "customer_key", "is_sold"]], on="order_id", how="left")

    sold = orders[orders["is_sold"]].copy()
    sold["month_start"] = sold["business_date"].dt.to_period("M").dt.to_timestamp()
    months = customer_months(sold, returned(home, orders))
    return {
        "fct_orders": orders,
        "fct_order_lines": lines,
        "fct_customer_engagement_months": months,
        "rpt_customer_cohorts": cohorts(sold),
    }


def returned(home: Path, orders: pd.DataFrame) -> pd.DataFrame:
    """What was taken back of each sale, at most the order's goods."""
    back = read(home, "adjustments", ["adjustment_id", "order_id", "type", "amount"])
    back = back.drop_duplicates("adjustment_id", keep="last").drop(columns="business_date").rename(columns={"change_date": "day"})
    back = back.merge(orders.loc[orders["is_sold"], ["order_id", "customer_key", "net_amount"]], on="order_id")
    back["returns"] = np.maximum(back["amount"], -back["net_amount"])
    back["month_start"] = back["day"].dt.to_period("M").dt.to_timestamp()
    return back.groupby(["customer_key", "month_start"], as_index=False)["returns"].sum()


def customer_months(sold: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """A row for every month since a customer's first order, with recency, frequency and money so far and their quintiles."""
    last_day = sold["business_date"].max()
    months = pd.DataFrame({"month_start": pd.date_range(sold["month_start"].min(), sold["month_start"].max(), freq="MS")})
    first = sold.groupby("customer_key", as_index=False)["month_start"].min().rename(columns={"month_start": "first_month"})
    bought = sold.groupby(["customer_key", "month_start"], as_index=False).agg(
        orders=("order_id", "size"), sold=("net_amount", "sum"), last_order=("business_date", "max")
    )
    every = first.merge(months, how="cross")
    every = every[every["month_start"] >= every["first_month"]]
    every = every.merge(bought, on=["customer_key", "month_start"], how="left")
    every = every.merge(back, on=["customer_key", "month_start"], how="left")
    every = every.sort_values(["customer_key", "month_start"], ignore_index=True)
    every["orders"] = every["orders"].fillna(0).astype(int)
    every["net_sales"] = every["sold"].fillna(0) + every["returns"].fillna(0)
    of_customer = every.groupby("customer_key")
    every["orders_to_date"] = of_customer["orders"].cumsum()
    every["net_to_date"] = of_customer["net_sales"].cumsum()
    every["last_order"] = of_customer["last_order"].ffill()
    as_of = np.minimum(every["month_start"] + pd.offsets.MonthEnd(0), last_day)
    every["recency_days"] = (as_of - every["last_order"]).dt.days
    for name, column in (("recency", "last_order"), ("frequency", "orders_to_date"), ("monetary", "net_to_date")):
        by_month = every.groupby("month_start")[column]
        others = (by_month.transform("size") - 1).clip(lower=1)
        percent = (by_month.rank(method="min") - 1) / others
        every[f"{name}_quintile"] = np.minimum(1 + np.floor(5 * percent), 5).astype(int)
    return every


def cohorts(sold: pd.DataFrame) -> pd.DataFrame:
    """How many of the customers of each first month bought in each later one."""
    first = sold.groupby("customer_key")["month_start"].min().rename("cohort_month")
    members = first.value_counts().rename("customers")
    active = sold.merge(first, left_on="customer_key", right_index=True)
    active = active.groupby(["cohort_month", "month_start"])["customer_key"].nunique().rename("active_customers")
    every = members.reset_index().merge(pd.DataFrame({"month_start": sorted(sold["month_start"].unique())}), how="cross")
    every = every[every["month_start"] >= every["cohort_month"]]
    every = every.merge(active.reset_index(), on=["cohort_month", "month_start"], how="left")
    every["active_customers"] = every["active_customers"].fillna(0).astype(int)
    return pd.concat([every.assign(shop="shop"), every.assign(shop="all")])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    target = Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name, frame in facts(Path(sys.argv[1])).items():
        frame[[column for column in MADE[name] if column in frame]].to_parquet(target / f"{name}.parquet", index=False)
