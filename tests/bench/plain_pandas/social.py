"""Posts and accounts on social networks: what came to each counter, and how posts do at the same age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.plain_pandas.landing import newest, read
from tests.bench.plain_pandas.months import SEEDS

COUNTERS = ["impressions", "reach", "views", "likes", "replies", "reposts", "saves", "clicks"]
AGES = (1, 7, 28)
LEAST_COMPARED = 5  # posts behind a median
ACCOUNT = ["platform", "account_id"]


def post_days(home: Path) -> pd.DataFrame:
    """fct_sns_post_days: every reading of a post's counters, with what came since the one before."""
    columns = ["platform", "post_id", "account_id", "day", "post_type", *COUNTERS, "business_date", "posted_at"]
    frame = newest(read(home, "sns/posts", columns), ["platform", "post_id", "day"])
    frame = with_account(frame).sort_values(["platform", "post_id", "day"], ignore_index=True)
    frame["post_key"] = frame["platform"].astype("str") + ":" + frame["post_id"]
    of_post = frame.groupby(["platform", "post_id"], observed=True)
    before = of_post[COUNTERS].ffill().groupby([frame["platform"], frame["post_id"]], observed=True).shift().fillna(0)
    previous_day = of_post["day"].shift()
    is_followed = previous_day.notna() | ((frame["day"] - frame["business_date"]).dt.days <= 1)
    grown = frame[COUNTERS] - before
    deltas = grown.where(grown >= 0, frame[COUNTERS]).where(is_followed, axis=0)
    frame[[f"{name}_delta" for name in COUNTERS]] = deltas
    frame["gap_days"] = (frame["day"] - previous_day).dt.days - 1
    frame["is_first_reading"] = previous_day.isna()
    frame["is_reset"] = (grown < 0).any(axis=1)
    return frame


def with_account(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its account's key."""
    key = frame["platform"].astype("str") + ":" + frame["account_id"].astype("str")
    return frame.assign(account_key=key.astype("category"))


def account_readings(home: Path) -> pd.DataFrame:
    """The newest reading of each account and day."""
    columns = [*ACCOUNT, "day", "followers", "following", "posts_total"]
    return with_account(newest(read(home, "sns/accounts", columns), [*ACCOUNT, "day"]))


def account_days(readings: pd.DataFrame, posts: pd.DataFrame) -> pd.DataFrame:
    """fct_sns_account_days, with the sums of what came to the account's posts on the day."""
    by = ["account_key", "day"]
    written = posts.drop_duplicates("post_key").groupby(["account_key", "business_date"], observed=True).size()
    came = posts[["likes_delta", "replies_delta", "reposts_delta", "saves_delta"]].sum(axis=1, min_count=1)
    came = posts[by].assign(engagements=came, clicks=posts["clicks_delta"]).groupby(by, observed=True).sum(min_count=1)
    known = readings.sort_values(by, ignore_index=True)
    of_account = known.groupby("account_key", observed=True)
    known["net_adds"], known["gap_days"] = of_account["followers"].diff(), of_account["day"].diff().dt.days - 1
    known = known.set_index(by)[["followers", "following", "posts_total", "net_adds", "gap_days"]]
    parts = (known, written.rename("posts").rename_axis(by), came)
    days = pd.concat([part.reset_index().astype({"account_key": "str"}).set_index(by) for part in parts], axis=1).reset_index()
    days["posts"] = days["posts"].fillna(0).where(days["account_key"].isin(posts["account_key"].unique()))
    days = days.merge(readings[["account_key", *ACCOUNT]].drop_duplicates().astype("str"), on="account_key")
    return days.assign(net_followers=days["followers"], comparable_since=comparable_since(days))


def comparable_since(days: pd.DataFrame) -> pd.Series:
    """From when on the platform means the same by followers, reach and impressions as on the day."""
    meanings = pd.read_csv(SEEDS / "platform_metrics.csv", parse_dates=["valid_from"])
    meanings = meanings[meanings["metric"].isin(["followers", "reach", "impressions"])]
    since = pd.Series(pd.Timestamp("2000-01-01"), index=days.index)
    for platform, valid_from in meanings[["platform", "valid_from"]].itertuples(index=False):
        applies = (days["platform"] == platform) & (days["day"] >= valid_from) & (since < valid_from)
        since = since.mask(applies, valid_from)
    return since


def account_report(days: pd.DataFrame) -> pd.DataFrame:
    """rpt_sns_account_days."""
    followers, came = days["net_followers"], days["engagements"]
    columns = ["account_key", *ACCOUNT, "day", "net_adds", "gap_days", "posts", "engagements", "clicks", "comparable_since"]
    return days[columns].assign(
        followers=followers,
        follower_growth=days["net_adds"] / (followers - days["net_adds"]).replace(0, np.nan),
        engagement_rate_by_followers=came / followers.replace(0, np.nan),
    )


def post_report(posts: pd.DataFrame) -> pd.DataFrame:
    """rpt_sns_posts: each post at its newest reading, and beside the median of the account's posts at the same age."""
    readings = posts[["post_key", "account_key", "day", "business_date", "impressions", "reach"]].assign(
        engagements=posts[["likes", "replies", "reposts", "saves"]].sum(axis=1, min_count=1),
        age=(posts["day"] - posts["business_date"]).dt.days,
    )
    columns = ["post_key", "account_key", "platform", "post_id", "post_type", *COUNTERS[:3], "business_date", "posted_at"]
    is_last = ~posts.duplicated("post_key", keep="last")
    frame = posts.loc[is_last, columns].assign(engagements=readings["engagements"], last_age=readings["age"])
    frame["engagement_rate_by_reach"] = frame["engagements"] / frame["reach"].replace(0, np.nan)
    frame["engagement_rate_by_impressions"] = frame["engagements"] / frame["impressions"].replace(0, np.nan)
    for age in AGES:
        read_then = readings[readings["age"].between(age, age + 1)].drop_duplicates("post_key").set_index("post_key")
        of_account = read_then.groupby("account_key", observed=True)["engagements"]
        median = of_account.transform("median").where(of_account.transform("count") >= LEAST_COMPARED)
        frame[f"engagements_day_{age}"] = frame["post_key"].map(read_then["engagements"])
        frame[f"impressions_day_{age}"] = frame["post_key"].map(read_then["impressions"])
        frame[f"ratio_to_median_day_{age}"] = frame["post_key"].map(read_then["engagements"] / median.replace(0, np.nan))
    missed = missed_age(readings, frame)
    frame["is_vanished"] = missed.notna()
    frame["missing_since"] = frame["business_date"] + pd.to_timedelta(missed, unit="D")
    return frame


def missed_age(readings: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    """The first age after its last reading at which a post was not read though at least half of the account's posts are."""
    of_account = readings.groupby("account_key", observed=True)["day"]
    first, last = of_account.min(), of_account.max()
    posts_read = readings.drop_duplicates(["post_key", "age"]).groupby(["account_key", "age"], observed=True).size()
    old = (frame["account_key"].astype("str").map(last) - frame["business_date"]).dt.days
    since_first = (frame["business_date"] - frame["account_key"].astype("str").map(first)).dt.days
    missed = pd.Series(np.nan, index=frame.index)
    for (account, age), read_then in posts_read.sort_index(level="age", ascending=False).items():
        is_old_enough = (frame["account_key"] == account) & (old >= age)
        if read_then * 2 >= (is_old_enough & (since_first + age >= 0)).sum():
            missed = missed.mask(is_old_enough & (frame["last_age"] < age), age)
    return missed


def dim_accounts(readings: pd.DataFrame, posts: pd.DataFrame) -> pd.DataFrame:
    """dim_sns_accounts: from when to when something is known of each account."""
    columns = ["account_key", *ACCOUNT]
    days = [readings[[*columns, "day"]], posts[[*columns, "day"]], posts[columns].assign(day=posts["business_date"])]
    seen = [part.groupby(columns, observed=True)["day"].agg(["min", "max"]).reset_index() for part in days]
    seen = pd.concat(seen).astype(dict.fromkeys(columns, "str")).groupby(columns, as_index=False)
    return seen.agg(first_date=("min", "min"), last_date=("max", "max"))
