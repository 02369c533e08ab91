"""What goes with engagement: drivers, later turnover, staying customers, and customers' scores where employees are engaged.

None of these is an experiment, and each figure says so: what changes engagement is judged by the measures (measures.py).
"""

from __future__ import annotations

from pipelines.report import charts
from pipelines.report.figures import Cell, Figure, Section, absent, base, figure, grid, hidden, is_small, plain, span
from pipelines.report.release import Release
from pipelines.report.wording import Text, day, interval, number, outside, same, say, texts, word

DRIVERS = """
select wave, driver, impact_on, n_answered, value, impact, impact_ci_low, impact_ci_high, alpha, priority_rank, suppress_reason
from rpt_employee_drivers
where org_unit = 'all' and wave = (select max_by(wave, wave_date) from rpt_employee_drivers)
order by priority_rank nulls last, driver
"""
LEAVERS = """
select horizon_months, outcome, most_engaged_value, least_engaged_value, difference, difference_ci_low, difference_ci_high, ratio,
    most_engaged_units, least_engaged_units, most_engaged_people, least_engaged_people, suppress_reason, no_interval_reason
from rpt_turnover_by_engagement
where wave = 'all' and outcome in ('turnover', 'voluntary_turnover')
order by outcome, horizon_months
"""
STAYING = """
with landmarks as (
    select landmark_date, max(horizon_days) as horizon, count(distinct tier) filter (where survival is not null) as tiers
    from rpt_retention_by_engagement group by landmark_date
)
select landmark_date, tier, days_since, customers, survival as value, ci_low, ci_high, mean_days, ratio_to_low, ratio_ci_low,
    ratio_ci_high, horizon_days
from rpt_retention_by_engagement
where landmark_date = (
    select landmark_date from landmarks where tiers > 1 and horizon >= 180 order by landmark_date desc limit 1
)
order by tier, days_since
"""
LINKS = "select * from rpt_employee_customer_correlations order by customer_metric"
TIERS = ("high", "middle", "low")


def section(release: Release) -> Section:
    """The part on what goes with engagement."""
    figures = [drivers(release), leavers(release), staying(release), link(release)]
    return Section("causes", texts()["causes"], texts()["causes_lead"], figures)


def drivers(release: Release) -> Figure:
    """How closely each driver goes with the recommendation of employees, and where to begin."""
    title = texts()["drivers_title"]
    rows = release.rows("rpt_employee_drivers", DRIVERS)
    known = [row for row in rows if row["impact"] is not None]
    if not known:
        return absent("drivers", title, "no_drivers" if not rows else "drivers_too_few")
    first = known[0]
    headline = [
        say(
            "drivers_now",
            driver=word("driver", first["driver"]),
            value=number(first["value"], "score"),
            r=number(first["impact"], "ratio"),
            interval=interval(first["impact_ci_low"], first["impact_ci_high"], "ratio"),
        )
    ]
    if len(known) > 1 and known[1]["impact_ci_high"] > first["impact_ci_low"]:
        headline.append(texts()["drivers_alike"])

    def draw(language: int) -> charts.Drawing:
        return charts.lines(
            [
                {
                    "label": word("driver", row["driver"])[language],
                    "series": "impact",
                    "y": row["impact"],
                    "low": row["impact_ci_low"],
                    "high": row["impact_ci_high"],
                    "small": is_small(row["n_answered"]),
                    "hidden": word("hidden", row["suppress_reason"] or "few_answers")[language]
                    if row["impact"] is None
                    else None,
                }
                for row in rows
            ],
            "ratio",
            zero_line=True,
        )

    cells = [
        [
            plain(word("driver", row["driver"])),
            figure(row["priority_rank"], "count"),
            *(
                [figure(row["impact"], "ratio"), span(row["impact_ci_low"], row["impact_ci_high"], "ratio")]
                if row["impact"] is not None
                else [hidden(row["suppress_reason"])] * 2
            ),
            figure(row["value"], "score"),
            figure(row["alpha"], "ratio"),
            base(row["n_answered"]),
        ]
        for row in rows
    ]
    table = grid(("driver", "rank", "correlation", "ci", "score", "alpha", "answered"), cells, "rpt_employee_drivers")
    notes = [say("note_drivers", wave=outside(first["wave"]), outcome=word("impact", first["impact_on"]))]
    return Figure("drivers", title, headline, draw, table, notes)


def leavers(release: Release) -> Figure:
    """Turnover after a wave: the most engaged quarter of units beside the least engaged one."""
    title = texts()["leavers_title"]
    rows = release.rows("rpt_turnover_by_engagement", LEAVERS)
    known = [row for row in rows if row["difference"] is not None and row["difference_ci_low"] is not None]
    if not known:
        return absent("leavers", title, "leavers_unknown")
    told = max(known, key=lambda row: (row["outcome"] == "turnover", row["horizon_months"]))
    beyond = not told["difference_ci_low"] <= 0 <= told["difference_ci_high"]
    headline = [
        say(
            "leavers_now",
            months=told["horizon_months"],
            most=number(told["most_engaged_value"], "share"),
            least=number(told["least_engaged_value"], "share"),
        ),
        say(
            "leavers_apart" if beyond else "leavers_alike",
            interval=interval(told["difference_ci_low"], told["difference_ci_high"], "share"),
        ),
    ]

    def label(row: dict[str, object]) -> Text:
        return say("leavers_label", outcome=word("outcome", row["outcome"]), months=row["horizon_months"])

    def draw(language: int) -> charts.Drawing:
        return charts.lines(
            [
                {
                    "label": label(row)[language],
                    "series": "difference",
                    "y": row["difference"],
                    "low": row["difference_ci_low"],
                    "high": row["difference_ci_high"],
                    "small": is_small(row["least_engaged_people"]) or is_small(row["most_engaged_people"]),
                    "hidden": None if row["difference"] is not None else word("hidden", row["suppress_reason"])[language],
                }
                for row in rows
            ],
            "share",
            zero_line=True,
        )

    cells = [
        [
            plain(label(row)),
            *(
                [hidden(row["suppress_reason"])] * 4
                if row["difference"] is None
                else [
                    figure(row["most_engaged_value"], "share"),
                    figure(row["least_engaged_value"], "share"),
                    figure(row["difference"], "share"),
                    span(row["difference_ci_low"], row["difference_ci_high"], "share"),
                ]
            ),
            base(row["most_engaged_people"]),
            base(row["least_engaged_people"]),
        ]
        for row in rows
    ]
    titles = ("outcome", "most_engaged", "least_engaged", "difference", "ci", "most_people", "least_people")
    table = grid(titles, cells, "rpt_turnover_by_engagement")
    return Figure("leavers", title, headline, draw, table, [texts()["note_leavers"]])


def staying(release: Release) -> Figure:
    """How long customers stay, by the tier of engagement they were in before."""
    title = texts()["staying_title"]
    rows = [row for row in release.rows("rpt_retention_by_engagement", STAYING) if row["value"] is not None]
    high = next((row for row in rows if row["tier"] == "high" and row["ratio_to_low"] is not None), None)
    if high is None:
        return absent("staying", title, "staying_unknown")
    headline = [
        say(
            "staying_now",
            change=number(abs(high["ratio_to_low"] - 1), "share"),
            interval=interval(high["ratio_ci_low"], high["ratio_ci_high"], "ratio"),
            ratio=number(high["ratio_to_low"], "ratio"),
        )
        if high["ratio_ci_low"] > 1
        else say("staying_alike", interval=interval(high["ratio_ci_low"], high["ratio_ci_high"], "ratio"))
    ]
    rows.sort(key=lambda row: (TIERS.index(row["tier"]), row["days_since"]))

    def draw(language: int) -> charts.Drawing:
        points = [
            {
                "x": row["days_since"],
                "y": row["value"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "series": word("tier", row["tier"])[language],
                "small": False,
            }
            for row in rows
        ]
        return charts.trend(points, "share", is_zero=True, x_title=texts()["days_since"][language])

    cells = [
        [
            plain(word("tier", row["tier"])),
            figure(row["days_since"], "count"),
            figure(row["value"], "share"),
            span(row["ci_low"], row["ci_high"], "share"),
            base(row["customers"]),
        ]
        for row in rows
        if row["days_since"] % 90 == 0
    ]
    table = grid(("tier", "days", "staying", "ci", "customers"), cells, "rpt_retention_by_engagement")
    notes = [say("note_staying", day=day(high["landmark_date"]), horizon=high["horizon_days"])]
    return Figure("staying", title, headline, draw, table, notes)


def link(release: Release) -> Figure:
    """Whether customers score higher where employees are more engaged."""
    title = texts()["link_title"]
    rows = release.rows("rpt_employee_customer_correlations", LINKS)
    if not rows:
        return absent("link", title, "link_none")
    known = [row for row in rows if row["pearson_r"] is not None]
    if not known:
        why = rows[0]
        return absent("link", title, "link_unknown", why=word("why_not", why["why_not"]), n=why["units_n"])
    told = known[0]
    beyond = not told["ci_low"] <= 0 <= told["ci_high"]
    headline = say(
        "link_now" if beyond else "link_alike",
        metric=release.name(told["customer_metric"]),
        r=number(told["pearson_r"], "ratio"),
        interval=interval(told["ci_low"], told["ci_high"], "ratio"),
        n=told["units_n"],
    )
    cells = [
        [
            plain(release.name(row["customer_metric"])),
            figure(row["pearson_r"], "ratio"),
            span(row["ci_low"], row["ci_high"], "ratio"),
            base(row["units_n"]),
            Cell(word("why_not", row["why_not"]) if row["why_not"] else same("")),
        ]
        for row in rows
    ]

    def draw(language: int) -> charts.Drawing:
        return charts.lines(
            [
                {
                    "label": release.name(row["customer_metric"])[language],
                    "series": "r",
                    "y": row["pearson_r"],
                    "low": row["ci_low"],
                    "high": row["ci_high"],
                    "small": is_small(row["units_n"]),
                    "hidden": None,
                }
                for row in known
            ],
            "ratio",
            zero_line=True,
        )

    table = grid(("metric", "correlation", "ci", "units", "remark"), cells, "rpt_employee_customer_correlations")
    return Figure("link", title, [headline], draw, table, [texts()["note_link"]])
