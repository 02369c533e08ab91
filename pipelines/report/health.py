"""How good the data are: freshness, rows held back, figures hidden, figures of the past that changed."""

from __future__ import annotations

from pipelines.report.figures import Cell, Figure, Section, absent, base, figure, grid, hidden, plain
from pipelines.report.release import Release, Row
from pipelines.report.wording import Text, day, enumerate_words, number, outside, say, texts, word

SOURCES = """
select split_part(source_table, '.', 1) as source, connection, sum(rows_n)::bigint as rows_n, sum(quarantined_n)::bigint as held,
    max(last_change_date) as last_day, max(last_landed_at)::date as landed,
    bool_or(status = 'late') as is_late, bool_or(status = 'quarantined') as is_held,
    string_agg(distinct status, ', ') filter (where status not in ('ok', 'late', 'quarantined')) as other
from rpt_data_health
group by source, connection
order by is_late desc, held desc, source, connection
"""
HIDDEN = """
select coalesce(suppress_reason, 'small_group') as reason, count(distinct org_unit)::bigint as units
from rpt_employee_engagement
where is_suppressed and wave = (select max_by(wave, wave_date) from rpt_employee_engagement)
group by reason
order by units desc, reason
"""
UNITS = """
select count(distinct org_unit)::bigint as units
from rpt_employee_engagement
where wave = (select max_by(wave, wave_date) from rpt_employee_engagement)
"""
ANSWERED = """
select dimension, group_value, answered, headcount_share, answered_share, representation, suppress_reason,
    is_suppressed
from rpt_employee_representativeness
where wave = (select max(wave) from rpt_employee_representativeness) and group_value <> 'all'
order by dimension, group_value
"""
RESTATED = "select count(*)::bigint as n from rpt_restatements"


def section(release: Release) -> Section:
    """The part on data quality."""
    figures = [sources(release), answered(release), protected(release), restated(release)]
    return Section("health", texts()["health"], texts()["health_lead"], figures)


def sources(release: Release) -> Figure:
    """Each connection: how fresh, how many rows, how many held back."""
    title = texts()["sources_title"]
    rows = release.rows("rpt_data_health", SOURCES)
    if not rows:
        return absent("sources", title, "no_data")
    late = sum(row["is_late"] for row in rows)
    held = sum(row["held"] for row in rows)
    total = sum(row["rows_n"] for row in rows)
    headline = say(
        "sources_fine" if not late and not held else "sources_now",
        n=len(rows),
        late=late,
        held=number(held, "count"),
        rows=number(total, "count"),
        share=number(held / (held + total) if held + total else 0, "share"),
    )
    cells = [
        [
            plain(word("source", row["source"])),
            plain(outside(row["connection"])),
            figure(row["rows_n"], "count"),
            figure(row["held"], "count"),
            plain(day(row["last_day"])),
            Cell(*_state(row)),
        ]
        for row in rows
    ]
    table = grid(("source", "connection", "rows", "held", "last_day", "state"), cells, "rpt_data_health")
    return Figure("sources", title, [headline], None, table, [texts()["note_sources"]], is_wide=True)


def answered(release: Release) -> Figure:
    """Whether those who answered the newest employee survey stand for the staff."""
    title = texts()["answered_title"]
    rows = release.rows("rpt_employee_representativeness", ANSWERED)
    known = [row for row in rows if row["representation"] is not None]
    if not known:
        return absent("answered", title, "answered_unknown" if not rows else "answered_hidden")
    apart = [row for row in known if row["representation"] != "in_line"]
    headline = [say("answered_fine", n=len(known))]
    if apart:
        told = [say("answered_group", group=_group(row), how=word("representation", row["representation"])) for row in apart]
        headline = [say("answered_apart", groups=enumerate_words(told))]
    cells = [
        [
            plain(word("dimension", row["dimension"])),
            plain(_group(row)),
            *(
                [hidden(row["suppress_reason"])] * 3
                if row["is_suppressed"]
                else [figure(row["headcount_share"], "share"), figure(row["answered_share"], "share"), base(row["answered"])]
            ),
            Cell(word("representation", row["representation"])) if row["representation"] else Cell(texts()["none"], "none"),
        ]
        for row in rows
    ]
    titles = ("dimension", "group", "staff_share", "answered_share", "answered", "representation")
    table = grid(titles, cells, "rpt_employee_representativeness")
    return Figure("answered", title, headline, None, table, [texts()["note_answered"]], is_wide=True)


def protected(release: Release) -> Figure:
    """How many units of the newest employee survey are hidden, and why."""
    title = texts()["protected_title"]
    found = release.rows("rpt_employee_engagement", UNITS)
    if not found or not found[0]["units"]:
        return absent("protected", title, "no_employee_survey")
    rows = release.rows("rpt_employee_engagement", HIDDEN)
    units, shut = found[0]["units"], sum(row["units"] for row in rows)
    if not rows:
        return absent("protected", title, "protected_none", all=units)
    reasons = enumerate_words([say("reason_count", reason=word("hidden", row["reason"]), n=row["units"]) for row in rows])
    cells = [[plain(word("hidden", row["reason"])), figure(row["units"], "count")] for row in rows]
    headline = say("protected_now", n=shut, all=units, reasons=reasons)
    return Figure(
        "protected",
        title,
        [headline],
        None,
        grid(("reason", "units"), cells, "rpt_employee_engagement"),
        [texts()["note_protected"]],
    )


def restated(release: Release) -> Figure:
    """Whether published figures of the past have changed since."""
    title = texts()["restated_title"]
    found = release.rows("rpt_restatements", RESTATED)
    if not found:
        return absent("restated", title, "restated_unknown")
    return absent("restated", title, "restated_now" if found[0]["n"] else "restated_none", n=found[0]["n"])


def _group(row: Row) -> Text:
    return word("tenure", row["group_value"]) if row["dimension"] == "tenure" else outside(row["group_value"])


def _state(row: Row) -> tuple[Text, str]:
    if row["is_late"]:
        return texts()["state_late"], "state bad"
    if row["is_held"]:
        return texts()["state_held"], "state bad"
    if row["other"]:
        return outside(row["other"]), "state open"
    return texts()["state_ok"], "state good"
