"""fct_customer_engagement_months: every month of every customer since their first order, with RFM, score, tier and segment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.plain_pandas.landing import month_of
from tests.bench.plain_pandas.shop import Customers
from tests.bench.plain_pandas.voices import BY, COUNTS, rounded

SEEDS = Path(__file__).parents[3] / "dbt_project" / "seeds"
# What the score counts over 12 months, of what was summed per month.
IN_YEAR = ["orders", "net_sales", "advocacy", "participation", "interaction"]


def customer_months(
    sales: pd.DataFrame, back: pd.DataFrame, activities: pd.DataFrame, subscriptions: pd.DataFrame, last_month: pd.Timestamp
) -> pd.DataFrame:
    """The table without its keys; `customer` is a number. `last_month` is the last one of the shop."""
    every = grid(sales, last_month)
    bought = sales.assign(month_start=month_of(sales["business_date"])).groupby(BY)
    bought = bought.agg(orders=("net_amount", "size"), sold=("net_amount", "sum"), last_order=("business_date", "max"))
    back = back[back["is_counted"] & (back["customer"] >= 0)]
    returned = back.assign(month_start=month_of(back["business_date"])).groupby(BY)
    returned = returned["goods_amount"].agg(returns_n="size", returns="sum")
    names = {"closing": "subscriptions_active", "churned": "subscriptions_cancelled", "mrr_closing_jpy": "mrr_jpy"}
    subscribed = subscriptions.groupby(BY)[list(names)].sum().rename(columns=names)
    for deeds in (bought, returned, subscribed, activities.set_index(BY)):
        every = every.merge(deeds.reset_index(), on=BY, how="left")
    sums = ["orders", "sold", "returns_n", "returns", *subscribed.columns, *COUNTS]
    every[sums] = every[sums].fillna(0)
    every["net_sales"] = every["sold"] + every["returns"]
    every["advocacy"] = every["organic_reviews"] + every["organic_posts"] + every["promoter_answers"]
    every["participation"] = (
        every["survey_responses"] + every["points_used_days"] + every["incentivised_reviews"] + every["incentivised_posts"]
    )
    every["interaction"] = (every["mentions"] - every["organic_posts"] - every["incentivised_posts"]).clip(lower=0)

    of_customer = every.groupby("customer")
    every["last_order"] = of_customer["last_order"].ffill()
    so_far = of_customer[IN_YEAR].cumsum()
    every["orders_to_date"], every["net_sales_jpy_to_date"] = so_far["orders"], so_far["net_sales"]
    of_year = so_far - so_far.groupby(every["customer"]).shift(12).fillna(0)
    as_of = (every["month_start"] + pd.offsets.MonthEnd(0)).clip(upper=sales["business_date"].max())
    every["recency_days"] = (as_of - every["last_order"]).dt.days
    every = every.drop(columns=["sold", "advocacy", "participation", "interaction"])
    return judged(every, of_year)


def grid(sales: pd.DataFrame, last_month: pd.Timestamp) -> pd.DataFrame:
    """One row per customer and month since their first order."""
    months = pd.date_range(sales["business_date"].min().replace(day=1), last_month, freq="MS", unit="us")
    first = months.get_indexer(month_of(sales.groupby("customer")["business_date"].min()))
    counts = len(months) - first
    number = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    customer = np.repeat(np.sort(sales["customer"].unique()), counts)
    month_start = months.take(np.repeat(first, counts) + number)
    return pd.DataFrame({"customer": customer, "month_start": month_start, "is_new": number == 0})


def judged(every: pd.DataFrame, of_year: pd.DataFrame) -> pd.DataFrame:
    """The months with quintiles, segment, the four components of the score, the score and the tier."""
    month = every["month_start"]
    recency, frequency = shares(every["last_order"], month), shares(every["orders_to_date"], month)
    monetary = shares(every["net_sales_jpy_to_date"], month)
    for name, share in (("recency", recency), ("frequency", frequency), ("monetary", monetary)):
        every[f"{name}_quintile"] = np.minimum(1 + np.floor(5 * share), 5).astype(int)
    ranks = {name: shares(of_year[name], month) for name in IN_YEAR}
    ranks["purchase"] = (recency + ranks.pop("orders") + ranks.pop("net_sales")) / 3
    weights = pd.read_csv(SEEDS / "customer_score_weights.csv", index_col="component")["weight"]
    weighted = sum(ranks[name] * weight for name, weight in weights.items())
    for name, rank in ranks.items():
        every[f"{name}_score"] = rounded(100 * rank)
    every["engagement_score"] = rounded(100 * shares(rounded(weighted, 9), month))
    every["engagement_tier"] = pd.cut(every["engagement_score"], [-1, 40, 80, 101], right=False, labels=["low", "middle", "high"])
    segments = pd.read_csv(SEEDS / "rfm_segments.csv").set_index(["recency_quintile", "frequency_quintile"])["segment"].unstack()
    names, labels = pd.factorize(segments.sort_index().to_numpy().ravel())
    place = (every["recency_quintile"] - 1) * 5 + every["frequency_quintile"] - 1
    every["rfm_segment"] = pd.Categorical.from_codes(names[place], labels)
    return every.drop(columns="last_order")


def shares(values: pd.Series, month: pd.Series) -> pd.Series:
    """For each row the share of the month's other rows that have less."""
    of_month = values.groupby(month)
    return ((of_month.rank(method="min") - 1) / (of_month.transform("size") - 1)).fillna(0)


def published_months(every: pd.DataFrame, customers: Customers) -> pd.DataFrame:
    """fct_customer_engagement_months."""
    is_active = every["orders"] > 0
    return every.drop(columns=["customer", "returns"]).assign(
        customer_key=customers.key(every["customer"]),
        net_sales_jpy=every["net_sales"],
        returns_jpy=every["returns"],
        is_active=is_active,
        is_returning=is_active & ~every["is_new"],
    )
