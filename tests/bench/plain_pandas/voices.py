"""What customers do beside buying: answers, reviews, posts about the brand, points used, subscriptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.plain_pandas.landing import month_of, newest, read
from tests.bench.plain_pandas.shop import Customers

COUNTS = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
]  # fmt: skip
BY = ["customer", "month_start"]


def rounded(values: pd.Series, digits: int = 6) -> pd.Series:
    """Rounded half away from zero, as SQL does it."""
    return np.sign(values) * np.floor(values.abs() * 10**digits + 0.5) / 10**digits


def reviews(home: Path) -> pd.DataFrame:
    """The newest version of each review."""
    columns = ["review_id", "customer_pid", "mail_pid", "rating", "is_verified", "is_incentivised", "business_date"]
    return newest(read(home, "ec/reviews", columns), ["review_id"])


def points(home: Path) -> pd.DataFrame:
    """The newest version of each movement of points."""
    columns = ["transaction_id", "customer_pid", "mail_pid", "type", "business_date"]
    return newest(read(home, "ec/points", columns), ["transaction_id"]).drop(columns="transaction_id")


def subscription_events(home: Path) -> pd.DataFrame:
    """The newest version of what happened to each subscription."""
    columns = ["subscription_id", "customer_pid", "mail_pid", "event", "occurred_at", "business_date", "monthly_amount"]
    return newest(read(home, "ec/subscription_events", columns), ["subscription_id", "occurred_at", "event"])


def mentions(home: Path) -> pd.DataFrame:
    """The newest version of each post about the brand; known by its place among the author's own."""
    columns = [
        "post_id", "platform", "author_pid", "posted_at", "author_followers", "likes", "replies", "reposts", "is_ugc",
        "is_incentivised", "polarity", "text_length", "first_reply_at", "business_date",
    ]  # fmt: skip
    frame = newest(read(home, "sns/mentions", columns), ["platform", "post_id"])
    frame = frame.sort_values(["author_pid", "posted_at", "post_id"], ignore_index=True)
    number = frame.groupby(["platform", "author_pid"], dropna=False, observed=True).cumcount() + 1
    author = frame["author_pid"].fillna("unknown")
    return frame.assign(
        mention_key=frame["platform"].astype("str") + ":" + author + ":" + number.astype("str"),
        minutes_to_first_reply=(frame["first_reply_at"] - frame["posted_at"]).dt.total_seconds() // 60,
        posted_at=frame["posted_at"].dt.floor("h"),
    ).drop(columns=["first_reply_at", "post_id"])


def answers(home: Path) -> pd.DataFrame:
    """Answers of customers who are known by person, each person's newest form of a wave, with what the question is."""
    surveys = newest(read(home, "survey/surveys", ["survey_id", "audience", "mode", "promoter_min"]), ["survey_id"])
    columns = ["survey_id", "question_code", "kind", "scale_min", "scale_max"]
    questions = newest(read(home, "survey/questions", columns), ["survey_id", "question_code"])
    identified = surveys[(surveys["audience"] == "customer") & (surveys["mode"] == "identified")]
    asked = questions.merge(identified[["survey_id", "promoter_min"]], on="survey_id")
    key = ["survey_id", "response_id", "question_code", "option_code"]
    columns = [*key, "wave", "respondent_pid", "answered_at", "numeric_value", "business_date"]
    given = newest(read(home, "survey/answers", columns), key).merge(asked, on=["survey_id", "question_code"])
    forms = given.sort_values(["answered_at", "response_id"])
    forms = forms.drop_duplicates(["survey_id", "wave", "respondent_pid"], keep="last")
    return given[given["response_id"].isin(forms["response_id"])]


def activities(
    answers: pd.DataFrame, mentions: pd.DataFrame, reviews: pd.DataFrame, points: pd.DataFrame, customers: Customers
) -> pd.DataFrame:
    """int_customer_activities: one row per customer and month in which they did something beside buying."""
    asked = of_months(answers, customers.of(answers["respondent_pid"]))
    is_nps = asked["kind"] == "nps"
    asked["nps_answer"] = asked["numeric_value"].where(is_nps)
    asked["csat_score"] = (100 * (asked["numeric_value"] - asked["scale_min"]) / (asked["scale_max"] - asked["scale_min"])).where(
        asked["kind"] == "csat"
    )
    asked["promoter"] = asked["response_id"].where(is_nps & (asked["numeric_value"] >= asked["promoter_min"]))
    of_answers = asked.groupby(BY).agg(
        nps_answer=("nps_answer", "mean"),
        csat_score=("csat_score", "mean"),
        survey_responses=("response_id", "nunique"),
        promoter_answers=("promoter", "nunique"),
    )
    posts = of_months(mentions, customers.of(mentions["author_pid"]))
    posts = posts[BY].assign(
        mentions=1,
        organic_posts=posts["is_ugc"].eq(True) & ~posts["is_incentivised"].eq(True),
        incentivised_posts=posts["is_incentivised"].eq(True),
    )
    written = of_months(reviews, customers.of(reviews["customer_pid"], reviews["mail_pid"]))
    given = written["is_incentivised"].eq(True)
    written = written[BY].assign(organic_reviews=~given, incentivised_reviews=given)
    moved = of_months(points, customers.of(points["customer_pid"], points["mail_pid"]))
    used_on = moved["business_date"].where(moved["type"] == "used")
    moved = moved[BY].assign(points_used_days=used_on).groupby(BY).nunique()
    every = pd.concat([of_answers, posts.groupby(BY).sum(), written.groupby(BY).sum(), moved], axis=1)
    every[COUNTS] = every[COUNTS].fillna(0).astype(int)
    for name in ("nps_answer", "csat_score"):
        every[name] = rounded(every[name])
    return every.reset_index()


def of_months(records: pd.DataFrame, customer: np.ndarray) -> pd.DataFrame:
    """The records of known customers with the customer and the month."""
    return records.assign(customer=customer, month_start=month_of(records["business_date"]))[customer >= 0]


def subscription_months(events: pd.DataFrame, last_day: pd.Timestamp, customers: Customers) -> pd.DataFrame:
    """Months of the lives of subscriptions, which here are activated and cancelled, never tried or paused."""
    events = events.sort_values(["subscription_id", "occurred_at", "event"], ignore_index=True)
    customer = customers.of(events["customer_pid"], events["mail_pid"])
    events = events.assign(customer=customer, month_start=month_of(events["business_date"]), count=1)
    is_active = events["event"] == "activated"
    events["state"] = np.where(is_active, "active", "cancelled")
    of_subscription = events.groupby("subscription_id")
    events["paid"] = of_subscription["monthly_amount"].ffill().where(is_active, 0)
    before = of_subscription["state"].shift().fillna("none")
    change = events["paid"] - of_subscription["paid"].shift().fillna(0)
    for name, happened in (("new", is_active & (before != "active")), ("churned", ~is_active & (before == "active"))):
        events[name] = happened.astype(int)
        events[f"mrr_{name}_jpy"] = change.where(happened, 0)
    lives = of_subscription.agg(first_month=("month_start", "min"), customer=("customer", "last"))
    months = pd.DataFrame({"month_start": pd.date_range(lives["first_month"].min(), last_day, freq="MS", unit="us")})
    every = lives.reset_index().merge(months, how="cross")
    every = every[every["month_start"] >= every["first_month"]]
    by = ["subscription_id", "month_start"]
    happened = events.groupby(by)[["new", "churned", "mrr_new_jpy", "mrr_churned_jpy", "count"]].sum().reset_index()
    closing = events.drop_duplicates(by, keep="last")[[*by, "state", "paid"]]
    every = every.merge(happened, on=by, how="left").merge(closing, on=by, how="left").sort_values(by)
    of_life = every.groupby("subscription_id")
    every["state"], every["mrr_closing_jpy"] = of_life["state"].ffill(), of_life["paid"].ffill()
    of_life = every.groupby("subscription_id")
    every["closing"], every["opening"] = every["state"] == "active", of_life["state"].shift() == "active"
    every["mrr_opening_jpy"] = of_life["mrr_closing_jpy"].shift().fillna(0)
    every = every[every["opening"] | every["closing"] | every["count"].notna()]
    counted = ["new", "churned", "mrr_new_jpy", "mrr_churned_jpy"]
    every[counted] = every[counted].fillna(0)
    return every.drop(columns=["subscription_id", "first_month", "count", "state", "paid"])


def voices(reviews: pd.DataFrame, mentions: pd.DataFrame) -> pd.DataFrame:
    """rpt_ugc_and_reviews: reviews and posts per month, what something was given for apart."""
    written = reviews.assign(kind="review", channel="shop", is_ugc=True)
    posted = mentions.assign(kind="mention", channel="x:x_brand", is_ugc=mentions["is_ugc"].eq(True))
    columns = ["kind", "channel", "is_incentivised", "is_ugc", "rating", "is_verified", "polarity", "minutes_to_first_reply"]
    every = pd.concat([written, posted])[["business_date", *columns]]
    every["month_start"] = month_of(every["business_date"])
    every["incentive"] = every["is_incentivised"].map({True: "incentivised", False: "organic"}).fillna("unknown")
    every["is_verified"] = every["is_verified"].eq(True)
    every["positive"], every["negative"] = every["polarity"] > 0.05, every["polarity"] < -0.05
    every = every.groupby(["month_start", "kind", "channel", "incentive"], as_index=False).agg(
        voices=("is_ugc", "size"),
        ugc=("is_ugc", "sum"),
        rated=("rating", "count"),
        mean_rating=("rating", "mean"),
        verified=("is_verified", "sum"),
        judged=("polarity", "count"),
        mean_polarity=("polarity", "mean"),
        positive=("positive", "sum"),
        negative=("negative", "sum"),
        replied=("minutes_to_first_reply", "count"),
        median_minutes_to_first_reply=("minutes_to_first_reply", "median"),
    )
    is_mention = every["kind"] == "mention"
    every["polarity_source"] = pd.Series("source", index=every.index).where(every["judged"] > 0)
    every["mean_rating"], every["mean_polarity"] = rounded(every["mean_rating"]), rounded(every["mean_polarity"])
    every["positive_share"], every["negative_share"] = every["positive"] / every["judged"], every["negative"] / every["judged"]
    every["undisclosed"] = every["voices"].where(every["incentive"] == "incentivised")
    every["replied"] = every["replied"].where(is_mention)
    every["reply_rate"] = every["replied"] / every["voices"]
    return every.drop(columns=["positive", "negative"])
