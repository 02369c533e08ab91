"""The reports of sales and customers. The only shop and all shops together say the same: both have their rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.analysis.survival import retention_by_tier
from tests.bench.plain_pandas.landing import month_of
from tests.bench.plain_pandas.shop import AMOUNTS, TAXED
from tests.bench.plain_pandas.voices import rounded

LOST_AFTER = 180  # days without an order
Z = 1.96


def of_both(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the shop, and the same of all shops."""
    return pd.concat([frame.assign(shop="shop"), frame.assign(shop="all")], ignore_index=True)


def buying_days(sales: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day on which they bought, with the days around it and the day on which they were lost after it."""
    days = sales[["customer", "business_date"]].drop_duplicates().sort_values(["customer", "business_date"], ignore_index=True)
    of_customer = days.groupby("customer")
    days["day_number"] = of_customer.cumcount() + 1
    days["since_previous"] = of_customer["business_date"].diff().dt.days
    days["next_date"] = of_customer["business_date"].shift(-1)
    lapses_on = days["business_date"] + pd.Timedelta(days=LOST_AFTER)
    days["lost_date"] = lapses_on.where(~(days["next_date"] <= lapses_on))
    return days


def shop_months(orders: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """The months from the first sale to the last thing that happened, and whether they are over."""
    last_day = max(orders["business_date"].max(), back["business_date"].max())
    first_day = orders.loc[orders["is_sold"], "business_date"].min()
    months = pd.date_range(first_day.replace(day=1), last_day, freq="MS", unit="us")
    return pd.DataFrame({"month_start": months, "is_complete": months + pd.offsets.MonthEnd(0) <= last_day})


def sales_days(orders: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """rpt_sales_days."""
    sums = [f"{name}_amount" for name in (*AMOUNTS.values(), "tax", *TAXED)]
    of_day = orders[orders["is_sold"]].groupby("business_date")
    returns = back[back["is_counted"]].groupby("business_date")["goods_amount"].sum()
    days = pd.concat([of_day[sums].sum(), of_day.size().rename("orders"), returns.rename("returns_jpy")], axis=1)
    days = days.reindex(pd.date_range(days.index.min(), days.index.max(), unit="us", name="date_day")).fillna(0)
    days = days.rename(columns={"gross_amount": "gross_sales_jpy", "discount_amount": "discounts_jpy"})
    days = days.rename(columns=lambda name: name.replace("_amount", "_jpy"))
    days["net_sales_jpy"] = days["gross_sales_jpy"] + days["discounts_jpy"] + days["returns_jpy"]
    days["net_sales_same_weekday_last_year_jpy"] = days["net_sales_jpy"].shift(364)
    days["net_sales_change_jpy"] = days["net_sales_jpy"] - days["net_sales_same_weekday_last_year_jpy"]
    return of_both(days.reset_index())


def customer_report(sales: pd.DataFrame, days: pd.DataFrame, back: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """rpt_customer_months."""
    month, month_of_day = month_of(sales["business_date"]), month_of(days["business_date"])
    number = sales["order_number_of_customer"]
    of_month = sales.assign(new_customers=number == 1, second_orders=number == 2).groupby(month)
    sums = ["units", "gross_amount", "discount_amount", "new_customers", "second_orders"]
    frame = of_month[sums].sum().rename(columns={"gross_amount": "gross_sales", "discount_amount": "discounts"})
    frame["orders"] = of_month.size()
    largest = sales.groupby([month, "customer"])["net_amount"].max().groupby("business_date")
    frame["active_customers"] = largest.size()
    frame["paying_customers"] = largest.agg(lambda amounts: (amounts > 0).sum())
    last_of_month = days.groupby([month_of_day, "customer"])["day_number"].max().gt(1)
    frame["repeat_customers"] = last_of_month.groupby("business_date").sum()
    of_days = days.assign(second_days=days["day_number"] == 2, repeat_purchases=days["day_number"] > 1).groupby(month_of_day)
    frame[["second_days", "repeat_purchases"]] = of_days[["second_days", "repeat_purchases"]].sum()
    frame["median_interval_days"] = of_days["since_previous"].median()
    frame["regained_customers"] = days[days["since_previous"] > LOST_AFTER].groupby(month_of_day)["customer"].nunique()
    lost = days[days["lost_date"] <= days["business_date"].max()]
    frame = frame.reindex(months["month_start"])
    frame["lost_customers"] = lost.groupby(month_of(lost["lost_date"]))["customer"].nunique()
    returned = back[back["is_counted"] & (back["customer"] >= 0)]
    frame["returns"] = returned.groupby(month_of(returned["business_date"]))["goods_amount"].sum()
    counted = [name for name in frame if name != "median_interval_days"]
    frame[counted] = frame[counted].fillna(0)

    frame["returning_customers"] = frame["active_customers"] - frame["new_customers"]
    frame["net_sales"] = frame["gross_sales"] + frame["discounts"] + frame["returns"]
    for name, counts in (("aov", "orders"), ("arpu", "active_customers"), ("arppu", "paying_customers")):
        frame[name] = frame["net_sales"] / frame[counts].replace(0, np.nan)
    for name in ("gross_sales", "discounts", "returns", "net_sales", "aov", "arpu", "arppu"):
        frame[f"{name}_jpy"] = frame[name]
    frame["is_complete"] = months["is_complete"].to_numpy()
    year = frame["net_sales"].rolling(12)
    is_whole_year = frame["is_complete"].rolling(12).sum() == 12
    frame["net_sales_cv_12m"] = rounded((year.std() / year.mean()).where(is_whole_year))
    frame["frequency"] = frame["orders"] / frame["active_customers"].replace(0, np.nan)
    so_far = frame[["new_customers", "orders", "second_days", "second_orders", "repeat_purchases"]].cumsum()
    frame["customers_to_date"], frame["orders_to_date"] = so_far["new_customers"], so_far["orders"]
    frame["repeat_customers_by_day"], frame["repeat_customers_by_order"] = so_far["second_days"], so_far["second_orders"]
    frame["repeat_purchases_to_date"] = so_far["repeat_purchases"]
    frame["repeat_rate_to_date"] = frame["repeat_customers_by_day"] / frame["customers_to_date"]
    frame["repeat_rate_by_order_to_date"] = frame["repeat_customers_by_order"] / frame["customers_to_date"]
    return of_both(frame.drop(columns=["second_days", "second_orders", "repeat_purchases"]).reset_index())


def cohorts(sales: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """rpt_customer_cohorts: how many of the customers of each first month bought in each later one."""
    pairs = sales[["customer"]].assign(month_start=month_of(sales["business_date"])).drop_duplicates()
    pairs["cohort_month"] = pairs.groupby("customer")["month_start"].transform("min")
    active = pairs.groupby(["cohort_month", "month_start"]).size().rename("active_customers").reset_index()
    members = active[active["cohort_month"] == active["month_start"]].drop(columns="month_start")
    every = members.rename(columns={"active_customers": "customers"}).merge(months, how="cross")
    every = every[every["month_start"] >= every["cohort_month"]].merge(active, on=["cohort_month", "month_start"], how="left")
    every["active_customers"] = every["active_customers"].fillna(0).astype(int)
    every["retention_rate"] = every["active_customers"] / every["customers"]
    first, month = every["cohort_month"].dt, every["month_start"].dt
    every["months_since"] = 12 * (month.year - first.year) + month.month - first.month
    return of_both(every)


def segments(every: pd.DataFrame) -> pd.DataFrame:
    """rpt_rfm_segments: how many customers moved from which segment to which, of the customer months in their order."""
    before = every["rfm_segment"].cat.add_categories("none").groupby(every["customer"]).shift().fillna("none")
    moves = every[["month_start", "rfm_segment", "net_sales_jpy_to_date"]].assign(
        previous_segment=before,
        net_sales_jpy=every["net_sales"],
        customers=1,
        high_tier_customers=every["engagement_tier"] == "high",
    )
    moves = moves.groupby(["month_start", "rfm_segment", "previous_segment"], observed=True).sum().reset_index()
    moves["customer_share"] = moves["customers"] / moves.groupby("month_start")["customers"].transform("sum")
    return moves.assign(is_unmoved=moves["rfm_segment"].astype("str") == moves["previous_segment"].astype("str"))


def second_purchases(days: pd.DataFrame) -> pd.DataFrame:
    """rpt_second_purchases: how many of those who had the time for it bought again within a window."""
    first = days[days["day_number"] == 1]
    known = (days["business_date"].max() - first["business_date"]).dt.days
    to_second = (first["next_date"] - first["business_date"]).dt.days
    windows = []
    for window in (90, 180, 365):
        is_mature = known >= window
        came = is_mature & (to_second <= window)
        frame = pd.DataFrame({"mature_customers": is_mature, "repeaters": came, "days": to_second.where(came)})
        of_cohort = frame.groupby(month_of(first["business_date"]).rename("cohort_month"))
        counted = of_cohort[["mature_customers", "repeaters"]].sum()
        counted["customers"], counted["median_days_to_second"] = of_cohort.size(), of_cohort["days"].median()
        windows.append(counted.reset_index().assign(window_days=window))
    every = pd.concat(windows)
    n = every["mature_customers"].replace(0, np.nan)
    rate = every["second_purchase_rate"] = every["repeaters"] / n
    # Wilson (1927).
    half = Z * np.sqrt((rate * (1 - rate)).clip(lower=0) / n + Z * Z / (4 * n * n))
    every["ci_low"] = rounded((rate + Z * Z / (2 * n) - half) / (1 + Z * Z / n))
    every["ci_high"] = rounded((rate + Z * Z / (2 * n) + half) / (1 + Z * Z / n))
    return of_both(every.assign(is_complete=every["mature_customers"] == every["customers"]))


def retention(every: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """rpt_retention_by_engagement; the curves are those of pipelines/analysis, which is pandas and numpy itself."""
    last_day = days["business_date"].max()
    subjects = []
    for landmark in pd.date_range(every["month_start"].min(), last_day - pd.Timedelta(days=1), freq="MS", unit="us"):
        if landmark.month not in (1, 7):
            continue
        before = every[(every["month_start"] == landmark - pd.DateOffset(months=1)) & (every["recency_days"] < LOST_AFTER)]
        lost = days[(days["lost_date"] >= landmark) & (days["lost_date"] <= last_day)].groupby("customer")["lost_date"].min()
        lost = before["customer"].map(lost)
        subjects.append(
            pd.DataFrame(
                {
                    "landmark_date": landmark,
                    "tier": before["engagement_tier"],
                    "tenure_days": (lost.fillna(last_day) - landmark).dt.days,
                    "horizon_days": (last_day - landmark).days,
                    "is_lost": lost.notna(),
                }
            )
        )
    curves = retention_by_tier(pd.concat(subjects), least_customers=20, z=Z)
    for name in ("survival", "ci_low", "ci_high", *curves.columns[10:]):
        curves[name] = rounded(curves[name].astype(float))
    return curves


def subscription_report(every: pd.DataFrame, last_day: pd.Timestamp) -> pd.DataFrame:
    """rpt_subscription_months, of subscriptions that are active or cancelled."""
    kept = every["mrr_closing_jpy"].where(every["opening"], 0)
    frame = every.assign(kept_jpy=kept, kept_at_most_jpy=np.minimum(kept, every["mrr_opening_jpy"]))
    counts = ["opening", "new", "churned", "closing"]
    sums = [*counts, *(f"mrr_{name}_jpy" for name in counts), "kept_jpy", "kept_at_most_jpy"]
    report = frame.groupby("month_start")[sums].sum()
    people = frame.groupby(["month_start", "customer"])[["opening", "closing"]].max()
    people["kept"] = people["opening"] & people["closing"]
    people = people.groupby("month_start")[["opening", "kept"]].sum()
    opening = people["opening"].replace(0, np.nan)
    report["logo_retention_rate"] = people["kept"] / opening
    report["logo_churn_rate"] = (people["opening"] - people["kept"]) / opening
    report["gross_revenue_retention"] = report["kept_at_most_jpy"] / report["mrr_opening_jpy"].replace(0, np.nan)
    report["net_revenue_retention"] = report["kept_jpy"] / report["mrr_opening_jpy"].replace(0, np.nan)
    report = report.drop(columns=["kept_jpy", "kept_at_most_jpy"]).reset_index()
    return of_both(report.assign(is_complete=report["month_start"] + pd.offsets.MonthEnd(0) <= last_day))
