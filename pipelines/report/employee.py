"""Employees: how engaged they are, where, on which drivers, and who leaves."""

from __future__ import annotations

from pipelines.report import charts
from pipelines.report.figures import (
    Cell,
    Figure,
    Section,
    absent,
    base,
    figure,
    grid,
    hidden,
    is_small,
    plain,
    span,
)
from pipelines.report.release import Release, Row
from pipelines.report.wording import Text, compare, enumerate_words, interval, month, number, of_waves, outside, say, texts, word

MOST_UNITS = 12
MOST_MONTHS = 60

WAVES = """
select wave, wave_date, value, ci_low, ci_high, n_answered, n_invited, suppress_reason, is_suppressed
from rpt_employee_engagement
where org_unit = 'all' and metric_code = 'engagement_index'
qualify row_number() over (order by wave_date desc) <= 24
order by wave_date
"""
UNITS = """
select org_unit, value, ci_low, ci_high, n_answered, n_invited, suppress_reason, is_suppressed
from rpt_employee_engagement
where org_level = 1 and metric_code = 'engagement_index' and wave = ?
order by value desc nulls last, org_unit
"""
SCORES = """
select driver, value, ci_low, ci_high, n_answered, favourable_share
from rpt_employee_engagement
where org_unit = 'all' and metric_code = 'driver_score' and wave = ? and not is_suppressed
order by value, driver
"""
TURNOVER = f"""
select month_start, turnover_method, turnover as value, ci_low, ci_high, leavers_band, headcount, suppress_reason, is_suppressed
from rpt_turnover
where org_unit = 'all' and turnover_method in ('average_12m', 'voluntary_12m') and is_complete
    and month_start > (select max(month_start) from rpt_turnover) - interval {MOST_MONTHS} month
order by month_start, turnover_method
"""

ACTIVITIES = f"""
select kind, month_start, half_year_coverage_rate as rate, suppress_reason, is_suppressed
from rpt_employee_activities
where org_unit = 'all' and is_complete
    and month_start > (select max(month_start) from rpt_employee_activities) - interval {MOST_MONTHS} month
order by month_start, kind
"""


def section(release: Release) -> Section:
    """The employees' part."""
    waves = release.rows("rpt_employee_engagement", WAVES)
    figures = [engagement(waves), units(release, waves), scores(release, waves), turnover(release), activities(release)]
    return Section("employees", texts()["employees"], texts()["employees_lead"], figures)


def engagement(waves: list[Row]) -> Figure:
    """The engagement index of the company, wave by wave."""
    title = texts()["engagement_title"]
    known = [row for row in waves if row["value"] is not None]
    if not known:
        return absent("engagement", title, "no_employee_survey" if not waves else "employees_too_few")
    now = known[-1]
    headline = of_waves("engagement_now", known, "n_answered")
    notes = [texts()["note_index"]]
    if now["n_invited"]:
        notes.append(say("note_response", rate=number(now["n_answered"] / now["n_invited"], "share"), n=now["n_invited"]))
    rows = [_point(row, row["wave_date"], texts()["engagement_title"].en, row["n_answered"]) for row in waves]
    cells = [
        [
            plain(outside(row["wave"])),
            *(_scores(row) if not row["is_suppressed"] else [hidden(row["suppress_reason"])] * 2),
            base(row["n_answered"]),
            figure(row["n_invited"], "people"),
        ]
        for row in reversed(waves)
    ]
    table = grid(("wave", "index", "ci", "answered", "invited"), cells, "rpt_employee_engagement")
    return Figure("engagement", title, headline, lambda _: charts.trend(rows, "score"), table, notes)


def units(release: Release, waves: list[Row]) -> Figure:
    """The engagement index of each business unit in the newest wave."""
    title = texts()["units_title"]
    rows = release.rows("rpt_employee_engagement", UNITS, waves[-1]["wave"]) if waves else []
    if not rows:
        return absent("units", title, "no_employee_survey")
    known = [row for row in rows if row["value"] is not None]
    shut = len(rows) - len(known)
    headline = [say("units_none")]
    if len(known) > 1:
        high, low = known[0], known[-1]
        headline = [
            say(
                "units_now",
                high=outside(high["org_unit"]),
                high_value=number(high["value"], "score"),
                low=outside(low["org_unit"]),
                low_value=number(low["value"], "score"),
            ),
            texts()["units_apart" if high["ci_low"] > low["ci_high"] else "units_alike"],
        ]
    elif known:
        headline = [say("units_one", unit=outside(known[0]["org_unit"]), value=number(known[0]["value"], "score"))]
    if shut:
        headline.append(say("units_hidden", n=shut, all=len(rows)))
    shown = rows[:MOST_UNITS]

    def draw(language: int) -> charts.Drawing:
        lines = [
            {
                **_interval(row, outside(row["org_unit"])[language], "unit", row["n_answered"]),
                "hidden": word("hidden", row["suppress_reason"] or "small_group")[language] if row["is_suppressed"] else None,
            }
            for row in shown
        ]
        return charts.lines(lines, "score")

    cells = [
        [
            plain(outside(row["org_unit"])),
            *(_scores(row) if not row["is_suppressed"] else [hidden(row["suppress_reason"])] * 2),
            base(row["n_answered"]),
        ]
        for row in rows
    ]
    table = grid(("unit", "index", "ci", "answered"), cells, "rpt_employee_engagement")
    notes = [texts()["note_hidden"]] if shut else []
    if any(is_small(row["n_answered"]) for row in shown):
        notes.append(texts()["note_small"])
    return Figure("units", title, headline, draw, table, notes)


def scores(release: Release, waves: list[Row]) -> Figure:
    """How the company scores on each driver in the newest wave, lowest first."""
    title = texts()["scores_title"]
    rows = release.rows("rpt_employee_engagement", SCORES, waves[-1]["wave"]) if waves else []
    if not rows:
        return absent("scores", title, "no_driver_scores")
    headline = say(
        "scores_now",
        low=driver(rows[0]["driver"]),
        low_value=number(rows[0]["value"], "score"),
        high=driver(rows[-1]["driver"]),
        high_value=number(rows[-1]["value"], "score"),
    )

    def draw(language: int) -> charts.Drawing:
        return charts.lines(
            [_interval(row, driver(row["driver"])[language], "driver", row["n_answered"]) for row in rows], "score"
        )

    cells = [
        [plain(driver(row["driver"])), *_scores(row), figure(row["favourable_share"], "share"), base(row["n_answered"])]
        for row in rows
    ]
    table = grid(("driver", "score", "ci", "favourable", "answered"), cells, "rpt_employee_engagement")
    return Figure("scores", title, [headline], draw, table, [say("note_scores", wave=outside(waves[-1]["wave"]))])


def turnover(release: Release) -> Figure:
    """Turnover of the company over 12 months, all leavers and those of their own will."""
    title = texts()["turnover_title"]
    rows = release.rows("rpt_turnover", TURNOVER)
    everyone = [row for row in rows if row["turnover_method"] == "average_12m" and row["value"] is not None]
    if not everyone:
        return absent("turnover", title, "no_turnover" if not rows else "turnover_too_few")
    now = everyone[-1]
    headline = [
        say(
            "turnover_now",
            value=number(now["value"], "share"),
            interval=interval(now["ci_low"], now["ci_high"], "share"),
            month=month(now["month_start"]),
        )
    ]
    own = [row["value"] for row in rows if row["turnover_method"] == "voluntary_12m" and row["month_start"] == now["month_start"]]
    if own and own[0] is not None:
        headline.append(say("turnover_own", value=number(own[0], "share")))
    year_ago = now["month_start"].replace(year=now["month_start"].year - 1)
    headline += [compare(now, row, "share", texts()["since_year"]) for row in everyone if row["month_start"] == year_ago]

    def draw(language: int) -> charts.Drawing:
        names = {code: word("method", code)[language] for code in ("average_12m", "voluntary_12m")}
        # Two bands on each other cannot be read; the table below holds both.
        bandless = {"ci_low": None, "ci_high": None}
        points = [
            _point(
                row if row["turnover_method"] == "average_12m" else {**row, **bandless},
                row["month_start"],
                names[row["turnover_method"]],
                row["headcount"],
            )
            for row in rows
        ]
        return charts.trend(points, "share", is_zero=True)

    cells = [
        [
            plain(month(row["month_start"])),
            plain(word("method", row["turnover_method"])),
            *(
                [hidden(row["suppress_reason"])] * 2
                if row["is_suppressed"]
                else [figure(row["value"], "share"), span(row["ci_low"], row["ci_high"], "share")]
            ),
            Cell(outside(row["leavers_band"]) if row["leavers_band"] else texts()["none"], "number"),
            figure(row["headcount"], "people"),
        ]
        for row in reversed(rows)
    ]
    table = grid(("month", "method", "rate", "ci", "leavers", "headcount"), cells, "rpt_turnover")
    return Figure("turnover", title, headline, draw, table, [texts()["note_turnover"]])


def activities(release: Release) -> Figure:
    """What share of the employees was reached by 1on1s, training and the like."""
    title = texts()["activities_title"]
    rows = release.rows("rpt_employee_activities", ACTIVITIES)
    known = [row for row in rows if row["rate"] is not None]
    if not known:
        return absent("activities", title, "no_activities" if not rows else "employees_too_few")
    newest = known[-1]["month_start"]
    kinds = [row for row in known if row["month_start"] == newest]
    kinds.sort(key=lambda row: -row["rate"])
    listed = enumerate_words(
        [say("activity_count", kind=word("activity", row["kind"]), rate=number(row["rate"], "share")) for row in kinds]
    )

    def draw(language: int) -> charts.Drawing:
        order = {row["kind"]: place for place, row in enumerate(kinds)}
        points = [
            {
                "x": str(row["month_start"]),
                "y": row["rate"],
                "low": None,
                "high": None,
                "series": word("activity", row["kind"])[language],
                "small": False,
            }
            for row in sorted(known, key=lambda row: (order.get(row["kind"], len(order)), row["month_start"]))
        ]
        return charts.trend(points, "share", is_zero=True)

    cells = [
        [
            plain(month(row["month_start"])),
            plain(word("activity", row["kind"])),
            hidden(row["suppress_reason"]) if row["is_suppressed"] else figure(row["rate"], "share"),
        ]
        for row in reversed(rows)
    ]
    table = grid(("month", "kind", "coverage"), cells, "rpt_employee_activities")
    headline = say("activities_now", month=month(newest), kinds=listed)
    return Figure("activities", title, [headline], draw, table, [texts()["note_activities"]])


def driver(code: object) -> Text:
    """Name of a driver; one of a company's own by its code."""
    return word("driver", code)


def _scores(row: Row) -> list[Cell]:
    return [figure(row["value"], "score"), span(row["ci_low"], row["ci_high"], "score")]


def _point(row: Row, day: object, series: str, n: int | None) -> charts.Point:
    return {"x": str(day), **_interval(row, "", series, n)}


def _interval(row: Row, label: str, series: str, n: int | None) -> charts.Point:
    return {
        "label": label,
        "series": series,
        "y": row["value"],
        "low": row["ci_low"],
        "high": row["ci_high"],
        "small": is_small(n),
        "hidden": None,
    }
