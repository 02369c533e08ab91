"""The facts of shop, customers and social networks as an analyst would write them in pandas: 20 of the 42 published tables.

    python -m tests.bench.plain_pandas <home> <folder for the results>

Reads the same landing files as the pipeline and writes one Parquet file per table, which `compare.differences` holds against a
warehouse, all rows and columns. What grows with orders and posts is there, over 99 % of all published rows: orders, lines, what
came back, who is one customer, the months of customers with RFM, score, tier and segment, their reports, posts and accounts.
Tables are read once and dropped when they are no longer needed.

For the company of `engagement generate --scale` only, which makes it easier for pandas than for the models: one shop, one
currency, money in whole yen, subscriptions without trials and pauses, counters whose meaning does not change, nobody without a
pseudonym. Columns that say the same in all rows are not written. Left out: `dim_dates`, `dim_metrics`; employees and surveys
(small at any scale); initiatives and their effects; the scorecard and what is made of it; data health. Two functions of
pipelines/analysis, pandas and numpy themselves, are used as they are: who is one person, and Kaplan-Meier curves.

`few.py` makes only some columns of four tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from tests.bench.plain_pandas import months, reports, shop, social, voices


def main(home: Path, target: Path) -> None:
    """Make all tables; what is no longer needed is dropped."""
    target.mkdir(parents=True, exist_ok=True)

    def write(**tables: pd.DataFrame) -> None:
        for name, frame in tables.items():
            frame.to_parquet(target / f"{name}.parquet", index=False)

    posts, readings = social.post_days(home), social.account_readings(home)
    write(fct_sns_post_days=posts, rpt_sns_posts=social.post_report(posts), dim_sns_accounts=social.dim_accounts(readings, posts))
    days = social.account_days(readings, posts)
    last_day = max(posts["day"].max(), readings["day"].max())
    del posts
    write(fct_sns_account_days=days.drop(columns=["engagements", "clicks"]), rpt_sns_account_days=social.account_report(days))

    orders, members, back = shop.orders(home), shop.members(home), shop.adjustments(home)
    reviews, points, mentions = voices.reviews(home), voices.points(home), voices.mentions(home)
    answers, events = voices.answers(home), voices.subscription_events(home)
    customers = shop.who(orders, members, back, reviews, points, events)
    orders["customer"] = customers.of(*(orders.pop(pid) for pid in shop.PIDS))
    lines = shop.order_lines(home, orders)
    shop.add_sums(orders, lines)
    write(dim_products=shop.dim_products(home, lines))
    back = shop.taken_back(back, orders, lines, customers)
    lines = shop.published_lines(lines, customers)
    write(fct_order_lines=lines)
    del lines
    write(fct_orders=shop.published_orders(orders, customers), fct_order_adjustments=shop.published_adjustments(back, customers))
    write(rpt_sales_days=reports.sales_days(orders, back))
    sales, shop_months = shop.sales_of(orders), reports.shop_months(orders, back)
    days = reports.buying_days(sales)
    write(dim_customers=shop.dim_customers(members, orders, sales, days, back, customers))
    dated = (orders, back, reviews, points, events, mentions, answers)
    last_day = max(last_day, *(records["business_date"].max() for records in dated))
    del orders
    write(rpt_customer_months=reports.customer_report(sales, days, back, shop_months))
    write(rpt_customer_cohorts=reports.cohorts(sales, shop_months), rpt_second_purchases=reports.second_purchases(days))

    subscriptions = voices.subscription_months(events, last_day, customers)
    write(rpt_subscription_months=reports.subscription_report(subscriptions, last_day))
    write(fct_sns_mentions=mentions.drop(columns="platform"), rpt_ugc_and_reviews=voices.voices(reviews, mentions))
    activities = voices.activities(answers, mentions, reviews, points, customers)
    every = months.customer_months(sales, back, activities, subscriptions, shop_months["month_start"].max())
    write(rpt_rfm_segments=reports.segments(every), rpt_retention_by_engagement=reports.retention(every, days))
    write(fct_customer_engagement_months=months.published_months(every, customers))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
