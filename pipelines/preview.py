"""What the Dagster UI shows of a published table: its first rows as a table and, of some, a small plot.

Data flow: warehouse file -> rows -> Markdown, in which a text of the data is text and nothing else -> metadata of an asset.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from pipelines.settings import READING

if TYPE_CHECKING:
    import pandas as pd

ROWS, COLUMNS, LETTERS = 10, 12, 120
WIDTH, HEIGHT = 420, 200  # pixels of a plot, drawn at twice as many
QUIET = "#4c78a8"
# The columns by which a reader knows the row; of other tables the first ones are shown.
SHOWN = {
    "rpt_initiative_effects": (
        "code", "metric_code", "effect", "ci_low", "ci_high", "n_treated", "n_control", "method", "verdict", "reason_en",
    ),
    "rpt_pdca_board": (
        "code", "cycle", "target_value", "reach", "activity", "actual", "effect", "ci_low", "ci_high", "verdict", "action",
        "next_review_date",
    ),
    "rpt_claims_check": (
        "claim_en", "quality", "claimed_low", "claimed_high", "company_value", "company_ci_low", "company_ci_high", "comparable",
        "finding", "why_en",
    ),
}  # fmt: skip
# What a reader looks for stands first; of other tables the rows come in the order of their grain: by all columns, ten million
# rows would be read whole for ten of them.
FIRST = {"rpt_initiative_effects": "not is_target, code, metric_code", "rpt_pdca_board": "not is_latest, code, cycle"}


class Preview(NamedTuple):
    """Rows of the table, its first ones as Markdown, and its plot as Markdown (None where it has none)."""

    rows: int
    head: str
    plot: str | None


def previews(warehouse: Path, tables: Mapping[str, Sequence[str]]) -> dict[str, Preview]:
    """A preview of each of `tables`, named with their grain, in the warehouse file; a table that is not there is left out."""
    with duckdb.connect(str(warehouse), read_only=True, config=READING) as connection:
        there = {name for (name,) in connection.execute("select table_name from duckdb_tables() where not internal").fetchall()}
        return {table: _preview(connection, table, grain) for table, grain in tables.items() if table in there}


def text(value: object) -> str:
    """A value as Markdown that shows its letters and does nothing: all but letters and digits are character references."""
    if value is None:
        return ""
    shown = f"{value:,.4g}" if isinstance(value, float) else str(value)
    shown = shown if len(shown) <= LETTERS else shown[: LETTERS - 1] + "…"
    return "".join(
        letter if letter.isalnum() or letter in " …" else f"&#{ord(letter)};" for letter in shown if letter.isprintable()
    )


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table of any values."""
    lines = [f"| {' | '.join(map(text, columns))} |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *(f"| {' | '.join(map(text, row))} |" for row in rows)])


def _preview(connection: duckdb.DuckDBPyConnection, table: str, grain: Sequence[str]) -> Preview:
    ((count,),) = connection.execute(f'select count(*) from "{table}"').fetchall()
    chosen = ", ".join(SHOWN.get(table, ())) or "*"
    order = FIRST.get(table, ", ".join(f'"{column}"' for column in grain))
    found = connection.execute(f'select {chosen} from "{table}" order by {order} limit {ROWS}')
    columns = [column[0] for column in found.description or []][:COLUMNS]
    head = markdown_table(columns, (row[:COLUMNS] for row in found.fetchall()))
    if count > ROWS:
        head += f"\n\n{ROWS} of {count:,} rows"
    draw = PLOTS.get(table)
    plot = None
    if draw is not None and (data := connection.execute(draw.query).df()).size:
        plot = f"![{table}](data:image/png;base64,{base64.b64encode(_png(draw.chart(data))).decode()})"
    return Preview(count, head, plot)


def _png(chart: Any) -> bytes:
    """The chart drawn here, without a browser or a network."""
    import vl_convert

    sized = chart.properties(width=WIDTH, height=HEIGHT).configure_axis(titleFontWeight="normal")
    drawn: bytes = vl_convert.vegalite_to_png(sized.to_json(), scale=2)
    return drawn


# -- plots -----------------------------------------------------------------------------------------------------------------------


class Plot(NamedTuple):
    """The rows of a plot and how they are drawn."""

    query: str
    chart: Callable[[pd.DataFrame], Any]


def _effects(data: pd.DataFrame) -> Any:
    """Each initiative's effect on its target metric with its interval, as a share of what would have been."""
    import altair as alt

    axis = alt.Axis(format="%", title="effect, share of what would have been (95 % interval)")
    base = alt.Chart(data).encode(y=alt.Y("code:N", title=None))
    interval = base.mark_rule(color=QUIET, strokeWidth=2).encode(x=alt.X("relative_ci_low:Q", axis=axis), x2="relative_ci_high:Q")
    point = base.mark_point(filled=True, size=60).encode(x="relative_effect:Q", shape="verdict:N", color=alt.value(QUIET))
    zero = alt.Chart(data).mark_rule(color="#888", strokeDash=[3, 3]).encode(x=alt.datum(0))
    return alt.layer(zero, interval, point)


def _curves(data: pd.DataFrame) -> Any:
    """Share of customers not lost by days, one line per tier."""
    import altair as alt

    return (
        alt.Chart(data)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("days_since:Q", title="days"),
            y=alt.Y("survival:Q", axis=alt.Axis(format="%"), title="not lost"),
            strokeDash=alt.StrokeDash("tier:N"),
            color=alt.Color("tier:N", scale=alt.Scale(range=["#0072b2", "#e69f00", "#555555"])),
        )
    )


def _months(data: pd.DataFrame) -> Any:
    """Net sales by month."""
    import altair as alt

    net = alt.Y("net_sales:Q", title="net sales, JPY")
    return (
        alt.Chart(data).mark_line(color=QUIET).encode(x=alt.X("month_start:T", title=None, axis=alt.Axis(format="%Y-%m")), y=net)
    )


PLOTS = {
    "rpt_initiative_effects": Plot(
        """select code, verdict, relative_effect, relative_ci_low, relative_ci_high from rpt_initiative_effects
        where is_target and relative_effect is not null""",
        _effects,
    ),
    "rpt_retention_by_engagement": Plot(
        """select tier, days_since, survival from rpt_retention_by_engagement
        where landmark_date = (select min(landmark_date) from rpt_retention_by_engagement) and survival is not null""",
        _curves,
    ),
    "rpt_customer_months": Plot(
        """select month_start, cast(net_sales_jpy as double) as net_sales from rpt_customer_months
        where shop = 'all' and net_sales_jpy is not null order by month_start""",
        _months,
    ),
}
