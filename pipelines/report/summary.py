"""The first five minutes: a tile for each main metric of the company, and the findings of the sections in one line each."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.report.figures import Point, Section, Tile
from pipelines.report.release import Release, Row
from pipelines.report.wording import compare, interval, month, number, say, texts

METRICS = (
    "engagement_index",
    "enps",
    "voluntary_turnover_rate",
    "response_rate",
    "nps",
    "csat",
    "repeat_rate",
    "active_customers",
)
FINDINGS = ("engagement", "turnover", "nps", "buyers", "staying", "effects", "board", "sources")

NEWEST = """
with known as (
    select *, row_number() over (partition by metric_code order by month_start desc) as age
    from rpt_engagement_scorecard
    where business_unit = 'all' and value is not null
)
select metric_code, month_start, value::double as value, n, ci_low::double as ci_low, ci_high::double as ci_high,
    target::double as target, year_ago::double as year_ago, status, age
from known
where age <= 2
order by metric_code, age
"""


def section(release: Release, others: Sequence[Section]) -> Section:
    """Tiles and findings; `others` are the sections the findings come from."""
    rows: dict[str, list[Row]] = {}
    for row in release.rows("rpt_engagement_scorecard", NEWEST):
        rows.setdefault(row["metric_code"], []).append(row)
    tiles = [_tile(release, rows[code]) for code in METRICS if code in rows]
    figures = {figure.key: figure for other in others for figure in other.figures}
    points = [Point(key, figures[key].title, figures[key].finding) for key in FINDINGS]
    return Section("summary", texts()["summary"], texts()["summary_lead"], (), tiles, points)


def _tile(release: Release, rows: list[Row]) -> Tile:
    now = rows[0]
    unit = release.unit(now["metric_code"])
    lines = [month(now["month_start"])]
    if now["n"] is not None:
        lines = [say("tile_month", month=month(now["month_start"]), n=number(now["n"], "count"))]
    if now["ci_low"] is not None:
        lines.append(say("tile_interval", interval=interval(now["ci_low"], now["ci_high"], unit)))
    if now["year_ago"] is not None:
        lines.append(compare(now, {"value": now["year_ago"]}, unit, texts()["since_year"]))
    elif len(rows) > 1:
        lines.append(compare(now, rows[1], unit, texts()["since_last"]))
    state = {"on_target": "good", "off_target": "bad"}.get(now["status"], "open")
    state_text = say(f"tile_{state}", target=number(now["target"], unit))
    return Tile(release.name(now["metric_code"]), number(now["value"], unit), lines, state, state_text)
