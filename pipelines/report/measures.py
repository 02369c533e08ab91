"""The measures taken (施策): what each changed, what the board says to do next, and what is claimed elsewhere."""

from __future__ import annotations

from pipelines.report import charts
from pipelines.report.figures import Cell, Figure, Section, absent, figure, grid, is_small, plain, span
from pipelines.report.release import Release, Row
from pipelines.report.wording import Text, day, enumerate_words, interval, number, outside, same, say, texts, word

MOST_MEASURES, MOST_NAMED = 16, 3

EFFECTS = """
select code, name, metric_code, verdict, reason_en, reason_ja, effect, relative_effect, relative_ci_low,
    relative_ci_high, ci_low, ci_high, n_treated, n_control,
    cost_jpy::double as cost, is_target, start_date, end_date, design
from rpt_initiative_effects
order by is_target desc, start_date desc, code, metric_code
"""
BOARD = """
select code, name, metric_code, cycle, cycle_start, cycle_end, next_review_date, target_value, baseline, actual, effect, ci_low,
    ci_high, reach, reach_planned, verdict, target_status, action, action_reason_en, action_reason_ja, is_open
from rpt_pdca_board
where is_latest
order by list_position(['stop', 'adjust', 'needs_data', 'continue'], action), next_review_date nulls last, code
"""
CLAIMS = """
select benchmark_code, claim_no, claim_en, claim_ja, publisher, edition_en, edition_ja, quality, claimed_low, claimed_high,
    company_value, company_ci_low, company_ci_high, company_n, comparable, why_en, why_ja, finding
from rpt_claims_check
order by claim_no, benchmark_code
"""
VERDICTS = ("supported", "suggestive", "inconclusive", "contradicted", "not_testable")
WORKED = ("supported", "suggestive")
STATES = {
    "supported": "good",
    "contradicted": "bad",
    "continue": "good",
    "stop": "bad",
    "adjust": "bad",
    "reached": "good",
    "missed": "bad",
}


def effects_section(release: Release) -> Section:
    """Which measures worked."""
    return Section(
        "measures", texts()["measures"], texts()["measures_lead"], [effects(release), side_effects(release), claims(release)]
    )


def decide_section(release: Release) -> Section:
    """What to decide next."""
    return Section("decide", texts()["decide"], texts()["decide_lead"], [board(release)])


def effects(release: Release) -> Figure:
    """Effect of each measure on the metric it was taken for."""
    title = texts()["effects_title"]
    rows = [row for row in release.rows("rpt_initiative_effects", EFFECTS) if row["is_target"]]
    if not rows:
        return absent("effects", title, "no_measures")
    counts = {code: sum(row["verdict"] == code for row in rows) for code in VERDICTS}
    listed = enumerate_words([say("verdict_count", verdict=word("verdict", code), n=n) for code, n in counts.items() if n])
    headline = [say("effects_now", n=len(rows), counts=listed)]
    best = [row for row in rows if row["verdict"] == "supported"]
    if best:
        headline.append(say("effects_best", names=enumerate_words([label(row) for row in best[:MOST_NAMED]])))
    drawn = [row for row in rows if None not in (row["relative_effect"], row["relative_ci_low"], row["relative_ci_high"])]
    drawn = drawn[:MOST_MEASURES]
    notes = [texts()["note_effects"]]
    if any(is_small(row["n_treated"]) for row in drawn):
        notes.append(texts()["note_small_effects"])

    def draw(language: int) -> charts.Drawing:
        marks = [
            {
                "label": label(row)[language],
                "series": word("verdict", row["verdict"])[language],
                "y": row["relative_effect"],
                "low": row["relative_ci_low"],
                "high": row["relative_ci_high"],
                "small": is_small(row["n_treated"]),
                "hidden": None,
            }
            for row in drawn
        ]
        known = [code for code in VERDICTS if any(row["verdict"] == code for row in drawn)]
        return charts.lines(
            marks, "share", zero_line=True, longest=200, legend=[word("verdict", code)[language] for code in known]
        )

    table = grid(
        ("measure", "metric", "effect", "ci", "relative", "subjects", "verdict", "why"),
        [
            [
                plain(label(row)),
                plain(release.name(row["metric_code"])),
                figure(row["effect"], release.unit(row["metric_code"])),
                span(row["ci_low"], row["ci_high"], release.unit(row["metric_code"])),
                figure(row["relative_effect"], "share"),
                subjects(row),
                verdict(row["verdict"]),
                Cell(Text(row["reason_ja"], row["reason_en"]), "words"),
            ]
            for row in rows
        ],
        "rpt_initiative_effects",
    )
    return Figure("effects", title, headline, draw if drawn else None, table, notes, is_wide=True)


def side_effects(release: Release) -> Figure:
    """What else the measures moved: metrics they were not taken for, where the interval leaves zero out."""
    title = texts()["side_title"]
    rows = [row for row in release.rows("rpt_initiative_effects", EFFECTS) if not row["is_target"]]
    if not rows:
        return absent("side", title, "side_none")
    clear = [row for row in rows if row["verdict"] in (*WORKED, "contradicted")]
    if not clear:
        return absent("side", title, "side_unclear", n=len(rows))
    cells = [
        [
            plain(label(row)),
            plain(release.name(row["metric_code"])),
            figure(row["effect"], release.unit(row["metric_code"])),
            span(row["ci_low"], row["ci_high"], release.unit(row["metric_code"])),
            verdict(row["verdict"]),
        ]
        for row in clear
    ]
    headline = say("side_now", n=len(clear), all=len(rows), chance=number(0.05 * len(rows), "score"))
    return Figure(
        "side",
        title,
        [headline],
        None,
        grid(("measure", "metric", "effect", "ci", "verdict"), cells, "rpt_initiative_effects"),
        is_wide=True,
    )


def board(release: Release) -> Figure:
    """Plan, do, check, act: the newest cycle of each measure, what needs a decision first."""
    title = texts()["board_title"]
    rows = release.rows("rpt_pdca_board", BOARD)
    if not rows:
        return absent("board", title, "no_board")
    counts = {code: sum(row["action"] == code for row in rows) for code in dict.fromkeys(row["action"] for row in rows)}
    listed = enumerate_words([say("action_count", action=word("action", code), n=n) for code, n in counts.items()])
    headline = [say("board_now", counts=listed)]
    urgent = [row for row in rows if row["action"] in ("stop", "adjust")]
    if urgent:
        named = [say("board_item", name=label(row), action=word("action", row["action"])) for row in urgent[:MOST_NAMED]]
        headline.append(say("board_urgent", names=enumerate_words(named)))
    dates = [row["next_review_date"] for row in rows if row["next_review_date"]]
    if dates:
        headline.append(say("board_next", day=day(min(dates))))
    table = grid(
        ("measure", "action", "why", "metric", "target", "check", "target_status", "reach", "review"),
        [
            [
                plain(label(row)),
                Cell(word("action", row["action"]), f"state {STATES.get(row['action'], 'open')}"),
                Cell(Text(row["action_reason_ja"], row["action_reason_en"]), "words"),
                plain(release.name(row["metric_code"])),
                figure(row["target_value"], release.unit(row["metric_code"])),
                _check(row, release.unit(row["metric_code"])),
                Cell(word("target", row["target_status"]), f"state {STATES.get(row['target_status'], 'open')}"),
                Cell(say("of", n=number(row["reach"], "count"), all=number(row["reach_planned"], "count")), "number"),
                plain(day(row["next_review_date"])),
            ]
            for row in rows
        ],
        "rpt_pdca_board",
    )
    return Figure("board", title, headline, None, table, [texts()["note_board"]], is_wide=True)


def claims(release: Release) -> Figure:
    """What is claimed about engagement elsewhere beside the company's own figures."""
    title = texts()["claims_title"]
    rows = release.rows("rpt_claims_check", CLAIMS)
    if not rows:
        return absent("claims", title, "no_claims")
    counts = {code: sum(row["finding"] == code for row in rows) for code in dict.fromkeys(row["finding"] for row in rows)}
    listed = enumerate_words([say("finding_count", finding=word("finding", code), n=n) for code, n in counts.items()])
    cells = [
        [
            Cell(Text(row["claim_ja"], row["claim_en"]), "words"),
            Cell(_range(row["claimed_low"], row["claimed_high"]), "number"),
            plain(word("quality", row["quality"])),
            figure(row["company_value"], "share"),
            span(row["company_ci_low"], row["company_ci_high"], "share"),
            plain(word("finding", row["finding"])),
            Cell(Text(row["why_ja"], row["why_en"]), "words"),
        ]
        for row in rows
    ]
    table = grid(("claim", "claimed", "quality", "own", "ci", "finding", "why"), cells, "rpt_claims_check")
    return Figure(
        "claims", title, [say("claims_now", n=len(rows), counts=listed)], None, table, [texts()["note_claims"]], is_wide=True
    )


def label(row: Row) -> Text:
    """Code and name of a measure."""
    return outside(f"{row['code']} {row['name']}")


def subjects(row: Row) -> Cell:
    """How many had the measure and how many did not; marked when either are few."""
    few = is_small(row["n_treated"])
    return Cell(
        say("arms", treated=number(row["n_treated"], "count"), control=number(row["n_control"], "count")),
        "small" if few else "number",
    )


def verdict(code: str) -> Cell:
    """What may be claimed."""
    return Cell(word("verdict", code), f"state {STATES.get(code, 'open')}")


def _check(row: Row, unit: str) -> Cell:
    if row["effect"] is None:
        return Cell(texts()["none"], "none")
    value, ends = number(row["effect"], unit), interval(row["ci_low"], row["ci_high"], unit)
    return Cell(say("value_with_interval", value=value, interval=ends), "number")


def _range(low: float | None, high: float | None) -> Text:
    if low is None:
        return texts()["none"]
    return number(low, "share") if high in (None, low) else same(f"{number(low, 'share').ja}–{number(high, 'share').ja}")
