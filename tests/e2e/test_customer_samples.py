"""Customers of the shipped samples: all they did stands in their months, and how long they stay is what statsmodels says."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from pipelines.settings import PROJECT
from tests.e2e.conftest import Company

TRUTH = json.loads((PROJECT / "data_samples" / "truth.json").read_text(encoding="utf-8"))
LOST_AFTER = timedelta(days=180)


def test_posts_of_declared_accounts_stand_in_the_months_of_their_customers(samples: Company) -> None:
    told = TRUTH["declared_accounts"]
    found = samples.query("""select sum(mentions), sum(incentivised_posts), count(*) filter (where interaction_score > 0) > 0
        from fct_customer_engagement_months""")
    assert found == [(told["mentions_since_first_sale"], told["incentivised_since_first_sale"], True)]


def test_orders_returns_subscriptions_reviews_and_answers_stand_there_too(samples: Company) -> None:
    query = """select sum(orders), sum(organic_reviews), sum(incentivised_reviews), sum(survey_responses),
        sum(subscriptions_cancelled), count(distinct customer_key) filter (where returns_jpy < 0)
        from fct_customer_engagement_months"""
    loyalty = TRUTH["loyalty"]
    reviews, changes = loyalty["reviews"], loyalty["subscription_changes"]
    orders, organic, incentivised, answers, cancelled, returned = samples.query(query)[0]
    assert orders == sum(TRUTH[shop]["sales_orders"] for shop in ("shop_shopify", "shop_eccube"))
    assert (organic, incentivised) == (reviews["organic"]["n"], reviews["incentivised"]["n"])
    # A handful was asked after an order that was then cancelled, and is no customer yet.
    assert 0 <= sum(wave["responses"] for wave in TRUTH["customer_nps"]["waves"].values()) - answers <= 5
    assert cancelled == changes["active_to_cancelled"] + changes["paused_to_cancelled"]
    assert returned > 20
    ends = samples.query("""select sum(subscriptions_active), sum(subscriptions_paused) from fct_customer_engagement_months
        where month_start = (select max(month_start) from fct_customer_engagement_months)""")
    assert ends == [(loyalty["subscriptions_at_end"]["active"], loyalty["subscriptions_at_end"]["paused"])]


def losses(samples: Company) -> tuple[dict[str, list[date]], date]:
    """The days on which each customer was lost, 180 days after a purchase that no other followed, and the last day known."""
    bought: dict[str, list[date]] = {}
    for customer, day in samples.query("""select distinct customer_key, business_date from fct_orders
        where is_sold and customer_key is not null order by 1, 2"""):
        bought.setdefault(customer, []).append(day)
    last = max(days[-1] for days in bought.values())
    lost = {
        customer: [
            day + LOST_AFTER
            for day, following in zip(days, [*days[1:], date.max], strict=True)
            if following > day + LOST_AFTER <= last
        ]
        for customer, days in bought.items()
    }
    return lost, last


def test_retention_by_tier_is_what_statsmodels_makes_of_the_published_orders(samples: Company) -> None:
    lost, last = losses(samples)
    rows = samples.query("""select landmark_date, tier, days_since, survival, mean_days, horizon_days, customers
        from rpt_retention_by_engagement where survival is not null""")
    published = pd.DataFrame(rows, columns=["landmark", "tier", "day", "survival", "mean", "horizon", "customers"])
    assert len(published) > 100
    for (landmark, tier), shown in published.groupby(["landmark", "tier"]):
        start: date = pd.Timestamp(landmark).date()
        # The tier is that of the month that ended the day before: nothing of what follows is known to it.
        members = samples.query(
            """select customer_key from fct_customer_engagement_months
            where month_start = ? and engagement_tier = ? and recency_days < 180""",
            (start - timedelta(days=1)).replace(day=1),
            tier,
        )
        ends = [min((day for day in lost[customer] if day >= start), default=None) for (customer,) in members]
        curve = SurvfuncRight([((end or last) - start).days for end in ends], [int(end is not None) for end in ends])
        assert len(members) == shown["customers"].iloc[0]
        times, survival = np.array([0, *curve.surv_times]), np.array([1, *curve.surv_prob])
        at = survival[np.searchsorted(times, shown["day"], side="right") - 1]
        assert shown["survival"].to_numpy(float) == pytest.approx(at, abs=1e-6)
        horizon = shown["horizon"].iloc[0]
        within = times < horizon
        area = (survival[within] * np.diff(np.append(times[within], horizon))).sum()
        assert shown["mean"].iloc[0] == pytest.approx(area, abs=1e-3)
