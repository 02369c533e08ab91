"""The report page: one HTML file made of one release, for somebody who has five minutes.

    engagement.duckdb -> sections (findings, charts, tables) -> template.html.jinja -> report.html

It loads nothing and runs nothing but the few lines of page.js: the page's own Content-Security-Policy forbids the rest, and
whatever comes from outside is escaped. All texts stand in it in both languages.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipelines.report import causes, charts, customer, employee, health, measures, summary
from pipelines.report.figures import Figure, Grid, Section
from pipelines.report.release import Release
from pipelines.report.wording import LANGUAGES, Text, day, outside, same, say, texts

HERE = Path(__file__).parent


def render(database: Path, name: str, *, company: str) -> str:
    """The page of the release `name`, whose tables lie in `database`. ChartError when a drawing is not fit to stand in it."""
    with Release(database) as release:
        sections = _sections(release)
        newest = release.rows("dim_dates", "select max(date_day) as day from dim_dates")
    drawings = {figure.key: _drawings(figure) for section in sections for figure in section.figures}
    script = (HERE / "page.js").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    environment.filters["both"] = both
    return environment.get_template("template.html.jinja").render(
        t=lambda key: both(texts()[key]),
        title=texts()["title"],
        company=outside(company),
        meta=say("meta", day=day(newest[0]["day"] if newest else None), release=same(name)),
        sections=sections,
        drawings=drawings,
        source=_source,
        colours=charts.COLOURS,
        dashes=charts.DASHES,
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704  our own files
        script=Markup(script),  # noqa: S704
        script_hash=f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}",
    )


def preview(database: Path) -> str:
    """The findings of the page as a Markdown table, Japanese and English, for the Dagster UI."""
    with Release(database) as release:
        points = _sections(release)[0].points
    lines = [f"| {_cell(point.title.ja)} | {_cell(point.text.ja)} | {_cell(point.text.en)} |" for point in points]
    return "\n".join(["| | 日本語 | English |", "| --- | --- | --- |", *lines])


def both(text: Text) -> Markup:
    """A text in both languages, of which the page shows one; once, where they are alike."""
    if text.ja == text.en:
        return escape(text.ja)
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, words) for language, words in zip(LANGUAGES, text, strict=True)
    )


def _sections(release: Release) -> Sequence[Section]:
    parts = [
        employee.section(release),
        customer.section(release),
        causes.section(release),
        measures.effects_section(release),
        measures.decide_section(release),
        health.section(release),
    ]
    # What cannot be shown is said last.
    parts = [replace(part, figures=sorted(part.figures, key=lambda figure: figure.grid is None)) for part in parts]
    return [summary.section(release, parts), *parts]


def _drawings(figure: Figure) -> dict[str, dict[str, object]]:
    """The chart of a figure in each language: its SVG, which holds allowed elements alone, and its legend."""
    if figure.chart is None:
        return {}
    drawn = {}
    for i, language in enumerate(LANGUAGES):
        drawing = figure.chart(i)
        svg = Markup(charts.to_svg(drawing, f"{figure.key}-{language}", figure.finding[i]))  # noqa: S704
        drawn[language] = {"svg": svg, "legend": drawing.legend, "is_dashed": drawing.is_dashed}
    return drawn


def _cell(text: str) -> str:
    """A text as a cell of Markdown: nothing in it is a mark of its own."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~<>&-])", r"\\\1", text)


def _source(grid: Grid) -> Text:
    if grid.left_out:
        return say("source_more", table=same(grid.source), n=grid.left_out)
    return say("source", table=same(grid.source))
