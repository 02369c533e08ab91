"""Customers: would they recommend, do they come and come back, who are they."""

from __future__ import annotations

from typing import Any

from pipelines.report import charts, voices
from pipelines.report.figures import Figure, Section, absent, base, figure, grid, hidden, is_small, plain, span
from pipelines.report.release import Release, Row
from pipelines.report.wording import (
    BEYOND_CHANCE,
    Text,
    compare,
    interval,
    month,
    number,
    of_waves,
    outside,
    same,
    say,
    texts,
    word,
)

MOST_MONTHS = 60

RECOMMENDATION = """
with scores as (
    select survey_id, wave, wave_date, value, ci_low, ci_high, n, response_rate, is_suppressed
    from rpt_survey_scores where kind = 'nps'
)
select * from scores
where survey_id = (select survey_id from scores group by survey_id order by max(wave_date) desc, count(*) desc, survey_id limit 1)
qualify row_number() over (order by wave_date desc) <= 24
order by wave_date
"""
CUSTOMERS = f"""
select month_start, active_customers, new_customers, returning_customers, lost_customers, net_sales_jpy::double as net_sales_jpy,
    repeat_rate_to_date
from rpt_customer_months
where shop = 'all' and is_complete
qualify row_number() over (order by month_start desc) <= {MOST_MONTHS}
order by month_start
"""
SECOND = f"""
select cohort_month, second_purchase_rate as value, ci_low, ci_high, mature_customers, repeaters
from rpt_second_purchases
where shop = 'all' and window_days = 90 and is_complete
qualify row_number() over (order by cohort_month desc) <= {MOST_MONTHS}
order by cohort_month
"""
SEGMENTS = """
select month_start, rfm_segment, sum(customers)::bigint as customers, sum(customer_share) as share
from rpt_rfm_segments
where month_start in (select max(month_start) from rpt_rfm_segments
    union all select max(month_start) - interval 12 month from rpt_rfm_segments)
group by month_start, rfm_segment
"""
SUBSCRIPTIONS = f"""
select month_start, opening, closing, churned + churned_while_paused as cancelled, logo_churn_rate as value,
    mrr_closing_jpy::double as mrr
from rpt_subscription_months
where shop = 'all' and is_complete
qualify row_number() over (order by month_start desc) <= {MOST_MONTHS}
order by month_start
"""
SEGMENT_ORDER = (
    "champions",
    "loyal",
    "potential_loyalists",
    "promising",
    "new",
    "needs_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
    "lost",
)
LEAVING = ("at_risk", "cannot_lose", "about_to_sleep")


def section(release: Release) -> Section:
    """The customers' part."""
    makers = (recommendation, customers, second_purchase, segments, subscriptions, voices.voices, voices.followers)
    return Section("customers", texts()["customers"], texts()["customers_lead"], [make(release) for make in makers])


def recommendation(release: Release) -> Figure:
    """NPS of the customer survey whose newest wave is the newest of all."""
    title = texts()["nps_title"]
    rows = release.rows("rpt_survey_scores", RECOMMENDATION)
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return absent("nps", title, "no_customer_survey" if not rows else "answers_too_few")
    now = known[-1]
    headline = of_waves("nps_now", known, "n")
    points = [_point(row["wave_date"], row, "nps", row["n"]) for row in rows]
    cells = [
        [
            plain(outside(row["wave"])),
            *(
                [hidden("few_answers")] * 2
                if row["is_suppressed"]
                else [figure(row["value"], "score"), span(row["ci_low"], row["ci_high"], "score")]
            ),
            base(row["n"]),
            figure(row["response_rate"], "share"),
        ]
        for row in reversed(rows)
    ]
    table = grid(("wave", "nps", "ci", "answered", "response_rate"), cells, "rpt_survey_scores")
    notes = [say("note_nps", survey=outside(now["survey_id"]))]
    notes += [texts()["note_small"]] if any(is_small(row["n"]) for row in rows) else []
    return Figure("nps", title, headline, lambda _: charts.trend(points, "score"), table, notes)


def customers(release: Release) -> Figure:
    """Customers who bought in each month, new ones and those who came back."""
    title = texts()["customers_title"]
    rows = release.rows("rpt_customer_months", CUSTOMERS)
    if not rows:
        return absent("buyers", title, "no_shop")
    now = rows[-1]
    headline = [
        say(
            "customers_now",
            month=month(now["month_start"]),
            n=number(now["active_customers"], "people"),
            returning=number(now["returning_customers"], "people"),
            sales=number(now["net_sales_jpy"], "JPY"),
        )
    ]
    before = voices.year_before(rows, now["month_start"], "month_start")
    if before and before["active_customers"]:
        growth = now["active_customers"] / before["active_customers"] - 1
        headline.append(say("customers_year", before=number(before["active_customers"], "people"), change=voices.percent(growth)))

    def draw(language: int) -> charts.Drawing:
        parts = (("returning_customers", 0), ("new_customers", 1))
        return charts.stack(
            [
                {"x": str(row["month_start"]), "y": row[part], "series": texts()[part][language], "rank": rank}
                for row in rows
                for part, rank in parts
            ],
            "people",
        )

    cells = [
        [
            plain(month(row["month_start"])),
            *(figure(row[f"{name}_customers"], "people") for name in ("active", "new", "returning", "lost")),
            figure(row["net_sales_jpy"], "JPY"),
            figure(row["repeat_rate_to_date"], "share"),
        ]
        for row in reversed(rows)
    ]
    titles = ("month", "active", "new", "returning", "lost", "net_sales", "repeat_rate")
    return Figure("buyers", title, headline, draw, grid(titles, cells, "rpt_customer_months"), [texts()["note_customers"]])


def second_purchase(release: Release) -> Figure:
    """Of those who first bought in a month, how many bought again within 90 days."""
    title = texts()["second_title"]
    rows = [row for row in release.rows("rpt_second_purchases", SECOND) if row["value"] is not None]
    if not rows:
        return absent("second", title, "no_cohort")
    now = _pooled(rows[-6:])
    headline = [
        say(
            "second_now",
            value=number(now["value"], "share"),
            interval=interval(now["ci_low"], now["ci_high"], "share"),
            n=number(now["n"], "people"),
            months=len(rows[-6:]),
        )
    ]
    if rows[:-6]:
        headline.append(compare(now, _pooled(rows[-18:-6]), "share", say("since_cohorts", n=len(rows[-18:-6]))))
    points = [_point(row["cohort_month"], row, "f2", row["mature_customers"]) for row in rows]
    cells = [
        [
            plain(month(row["cohort_month"])),
            figure(row["value"], "share"),
            span(row["ci_low"], row["ci_high"], "share"),
            base(row["mature_customers"]),
        ]
        for row in reversed(rows)
    ]
    table = grid(("cohort", "second_rate", "ci", "customers"), cells, "rpt_second_purchases")
    return Figure("second", title, headline, lambda _: charts.trend(points, "share", is_zero=True), table, [texts()["note_band"]])


def segments(release: Release) -> Figure:
    """How many customers are in each RFM segment."""
    title = texts()["segments_title"]
    rows = release.rows("rpt_rfm_segments", SEGMENTS)
    if not rows:
        return absent("segments", title, "no_shop")
    newest = max(row["month_start"] for row in rows)
    now = {row["rfm_segment"]: row for row in rows if row["month_start"] == newest}
    before = {row["rfm_segment"]: row for row in rows if row["month_start"] != newest}
    order = [name for name in SEGMENT_ORDER if name in now] + sorted(set(now) - set(SEGMENT_ORDER))
    leaving = sum(now[name]["share"] for name in LEAVING if name in now)
    headline = [
        say(
            "segments_now",
            best=number(sum(now[name]["share"] for name in ("champions", "loyal") if name in now), "share"),
            leaving=number(leaving, "share"),
            n=number(sum(now[name]["customers"] for name in LEAVING if name in now), "people"),
            month=month(newest),
        )
    ]
    cells = [
        [
            plain(word("segment", name)),
            figure(now[name]["customers"], "people"),
            figure(now[name]["share"], "share"),
            figure(before[name]["share"] if name in before else None, "share"),
        ]
        for name in order
    ]

    def draw(language: int) -> charts.Drawing:
        return charts.lengths(
            [
                {
                    "label": word("segment", name)[language],
                    "y": now[name]["customers"],
                    "text": counted(now[name]["customers"], now[name]["share"])[language],
                }
                for name in order
            ],
        )

    table = grid(("segment", "customers", "share", "share_year_ago"), cells, "rpt_rfm_segments")
    return Figure("segments", title, headline, draw, table, [texts()["note_segments"]])


def subscriptions(release: Release) -> Figure:
    """Subscriptions: how many are active and what share leaves each month."""
    title = texts()["subscriptions_title"]
    rows = release.rows("rpt_subscription_months", SUBSCRIPTIONS)
    if not rows:
        return absent("subscriptions", title, "no_subscriptions")
    now = rows[-1]
    known = [row["value"] for row in rows[-12:] if row["value"] is not None]
    headline = [
        say(
            "subscriptions_now", n=number(now["closing"], "count"), month=month(now["month_start"]), mrr=number(now["mrr"], "JPY")
        )
    ]
    if known:
        headline.append(say("subscriptions_churn", rate=number(sum(known) / len(known), "share"), months=len(known)))
    points = [_point(row["month_start"], {**row, "value": row["closing"]}, "n", row["closing"]) for row in rows]
    cells = [
        [
            plain(month(row["month_start"])),
            figure(row["opening"], "count"),
            figure(row["cancelled"], "count"),
            figure(row["value"], "share"),
            base(row["closing"]),
            figure(row["mrr"], "JPY"),
        ]
        for row in reversed(rows)
    ]
    table = grid(("month", "opening", "cancelled", "churn", "closing", "mrr"), cells, "rpt_subscription_months")
    return Figure(
        "subscriptions", title, headline, lambda _: charts.trend(points, "count", is_zero=True), table, [texts()["note_churn"]]
    )


def counted(n: int, share: float) -> Text:
    """A number of people and their share."""
    return same(f"{number(n, 'people').ja}  ({number(share, 'share').ja})")


def _pooled(rows: list[Row]) -> dict[str, Any]:
    """Cohorts taken together: share, people and the 95 % interval of Wilson, as rpt_second_purchases has it for one cohort."""
    n, hits = sum(row["mature_customers"] for row in rows), sum(row["repeaters"] for row in rows)
    share, z = hits / n, BEYOND_CHANCE
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return {"value": share, "ci_low": centre - spread, "ci_high": centre + spread, "n": n}


def _point(day: Any, row: Row, series: str, n: int | None) -> charts.Point:
    return {
        "x": str(day),
        "y": row["value"],
        "low": row.get("ci_low"),
        "high": row.get("ci_high"),
        "series": series,
        "small": is_small(n),
    }
