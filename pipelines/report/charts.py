"""The charts: few kinds, drawn by Vega-Lite without a browser or a network, and made safe to stand inside the page.

Colours are names of the style sheet (`var(--c1)`), so that one drawing serves light, dark and paper. Every size is given, none
measured from a font, so that a drawing is the same on every machine. altair and vl-convert are imported when the first chart is
drawn: they take a second, and no other command needs them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

WIDTH = 400  # pixels of a whole drawing; the page scales it to its place
HEIGHT, ROW, FONT = 176, 25, 12.5  # of a plot; of one line of a chart of lines; of its letters
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 26
LONGEST_LABEL = 150  # pixels of a name beside its line
UNSEEN = "\u2060"  # takes no room: tells two labels apart that read alike
COLOURS = ("var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)")  # Okabe and Ito's, see style.css
DASHES = ("1 0", "6 3", "2 2", "8 3 2 3", "10 4")  # a second sign beside the colour
FEW = 16  # points up to which each is drawn with its own interval
# The page takes in a drawing made of these alone: nothing that runs, loads or links.
ELEMENTS = {"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath"}
FORMATS = {"share": ".0%", "JPY": "~s"}

Point = dict[str, Any]  # one mark: x or label, y, low, high, series, small, hidden
Rows = Sequence[Mapping[str, Any]]


class ChartError(Exception):
    """A drawing holds what must not stand in the page."""


@dataclass(frozen=True)
class Drawing:
    """A chart as Vega-Lite has it, and its series in the order of COLOURS; `is_dashed`: told apart by dashes, too."""

    spec: dict[str, Any]
    legend: Sequence[str] = ()
    is_dashed: bool = False


def trend(rows: Rows, unit: str, *, is_zero: bool = False, x_title: str | None = None) -> Drawing:
    """Lines over time, or over days since a start. Rows: x (date as ISO text, or days), y, low, high, series (name), small.

    y None leaves a gap; `small` draws a hollow point.
    """
    import altair as alt

    names = _names(rows)
    chart = alt.Chart(alt.InlineData(values=[dict(row) for row in rows]), width=WIDTH - LEFT - RIGHT, height=HEIGHT)
    are_few = len(rows) / len(names) <= FEW
    colour = _colour(names)
    x = _months(rows) if x_title is None else alt.X("x:Q", title=x_title, axis=alt.Axis(grid=False, tickCount=6))
    scale = alt.Scale(domain=_reach(rows, is_zero), nice=False, zero=False)
    y = alt.Y("y:Q", title=None, scale=scale, axis=alt.Axis(format=_format(unit), tickCount=5))
    layers: list[alt.Chart] = []
    if any(row.get("low") is not None for row in rows):
        ends = {"x": x, "y": alt.Y("low:Q", title=None, scale=scale), "y2": "high:Q", "color": colour}
        is_bars = are_few and len(names) == 1
        band = chart.mark_rule(strokeWidth=5, opacity=0.25) if is_bars else chart.mark_area(opacity=0.15, line=False)
        layers.append(band.encode(**ends))
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=[_dash(i) for i in range(len(names))]), legend=None)
    line = chart.mark_line(strokeWidth=2.2, invalid="break-paths-show-domains")
    layers.append(line.encode(x=x, y=y, color=colour, strokeDash=dash))
    if are_few:
        layers.append(_points(chart, names, 46).encode(x=x, y=y))
    return Drawing(_dress(layers, bottom=BOTTOM + (20 if x_title else 0)), names if len(names) > 1 else (), True)


def stack(rows: Rows, unit: str) -> Drawing:
    """Bars over months, one part on the other. Rows: x (date as ISO text), y, series, rank (which part comes first)."""
    import altair as alt

    names = _names(rows)
    months = len({row["x"] for row in rows})
    plot = WIDTH - LEFT - RIGHT
    chart = alt.Chart(alt.InlineData(values=[dict(row) for row in rows]), width=plot, height=HEIGHT)
    bars = chart.mark_bar(size=max(2.0, min(18.0, 0.7 * plot / max(1, months)))).encode(
        x=_months(rows, padding=9),
        y=alt.Y("y:Q", title=None, stack="zero", axis=alt.Axis(format=_format(unit), tickCount=5)),
        color=_colour(names),
        order=alt.Order("rank:Q"),
    )
    return Drawing(_dress([bars]), names)


def lines(rows: Rows, unit: str, *, zero_line: bool = False, legend: Sequence[str] = (), longest: int = LONGEST_LABEL) -> Drawing:
    """One line a row: a point with its interval, or a grey bar where the figure is not shown.

    Rows: label, y, low, high, series (its colour; in the order of `legend`), small, hidden (what to write in its place, or None).
    """
    import altair as alt

    left, shown = _labelled(rows, longest)
    plot = WIDTH - left - RIGHT
    height = ROW * len(rows)
    names = list(legend) or _names(rows)
    colour = _colour(names)
    chart = alt.Chart(alt.InlineData(values=shown), width=plot, height=height)
    place = _places(shown)
    scale = alt.Scale(domain=_reach(rows, zero_line), nice=False, zero=False)
    x = alt.X("y:Q", title=None, scale=scale, axis=alt.Axis(format=_format(unit), tickCount=5))
    layers: list[alt.Chart] = []
    if zero_line:
        zero = alt.Chart(alt.InlineData(values=[{"y": 0}]), width=plot, height=height)
        layers.append(zero.mark_rule(color="var(--muted)", strokeWidth=1.2).encode(x=x))
    if any(row["hidden"] for row in shown):
        shut = chart.transform_filter("datum.hidden != null")
        layers.append(shut.mark_bar(height=16, color="var(--hidden)").encode(y=place, x=alt.value(0), x2=alt.value(plot)))
        layers.append(shut.mark_text(color="var(--ink)", fontSize=11).encode(y=place, x=alt.value(plot / 2), text="hidden:N"))
    known = chart.transform_filter("datum.y != null")
    ends = {"x": alt.X("low:Q", title=None, scale=scale), "x2": "high:Q"}
    layers.append(known.mark_rule(strokeWidth=4, opacity=0.35).encode(y=place, color=colour, **ends))
    layers.append(_points(known, names, 52).encode(x=x, y=place))
    return Drawing(_dress(layers, left=left), legend if len(legend) > 1 else ())


def lengths(rows: Rows) -> Drawing:
    """One bar a row, with its number at the end. Rows: label, y, text."""
    import altair as alt

    left, shown = _labelled(rows, LONGEST_LABEL)
    plot = WIDTH - left - RIGHT
    chart = alt.Chart(alt.InlineData(values=shown), width=plot, height=(ROW - 3) * len(rows))
    numbers = max(_width(str(row["text"])) for row in rows) + 10
    room = max(float(row["y"]) for row in rows) * plot / max(1.0, plot - numbers)
    x = alt.X("y:Q", title=None, axis=None, scale=alt.Scale(domain=[0, room or 1], nice=False))
    bars = chart.mark_bar(height=13, color=COLOURS[0]).encode(x=x, y=_places(shown))
    ends = chart.mark_text(align="left", dx=6, color="var(--ink)", fontSize=11.5).encode(x=x, y=_places(shown), text="text:N")
    return Drawing(_dress([bars, ends], left=left, bottom=4))


def to_svg(drawing: Drawing, key: str, label: str) -> str:
    """The drawing as SVG to stand in the page, with `label` for screen readers; ids begin with `key`.

    ChartError when it holds anything but shapes and text.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(drawing.spec)
    drawn = re.sub(r'<path class="(?:back|fore)ground"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>', "", drawn)
    drawn = re.sub(r'<text [^>]*opacity="0"[^>]*>[^<]*</text>', "", drawn)
    drawn = re.sub(r"<[^>]+>", lambda tag: _tidy(tag[0], key), drawn)
    foreign = set(re.findall(r"<\s*/?\s*([\w:!?-]*)", drawn)) - ELEMENTS
    if foreign:
        raise ChartError(f"the chart {key} holds {', '.join(sorted(foreign))}")
    return drawn.replace("<svg", f'<svg class="chart" role="img" aria-label="{escape(label)}"', 1)


def _tidy(tag: str, key: str) -> str:
    """A tag without what only an editor or a mouse needs, its numbers to a tenth of a pixel."""
    tag = re.sub(r' (?:role|aria-[a-z]+|class|pointer-events|xmlns(?::xlink)?|version)="[^"]*"', "", tag)
    if tag.startswith("<svg"):
        tag = re.sub(r' (?:width|height)="[^"]*"', "", tag)
    tag = re.sub(r'(\bid="|url\(#)', rf"\g<1>{key}-", tag)
    return re.sub(r"-?\d+\.\d{2,}", lambda digits: f"{float(digits[0]):.1f}".removesuffix(".0"), tag)


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(str(row["series"]) for row in rows))


def _dash(place: int) -> list[int]:
    return [int(part) for part in DASHES[place % len(DASHES)].split()]


def _colour(names: Sequence[str]) -> alt.Color:
    import altair as alt

    return alt.Color("series:N", scale=alt.Scale(domain=list(names), range=_colours(names)), legend=None)


def _colours(names: Sequence[str]) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(len(names))]


def _points(chart: alt.Chart, names: Sequence[str], size: int) -> alt.Chart:
    """Points, hollow where they rest on few."""
    import altair as alt

    scale = alt.Scale(domain=list(names), range=_colours(names))
    fill = alt.condition("datum.small", alt.value("var(--card)"), alt.Fill("series:N", scale=scale, legend=None))
    stroke = alt.Stroke("series:N", scale=scale, legend=None)
    marked: alt.Chart = chart.mark_circle(size=size, opacity=1, strokeWidth=2).encode(stroke=stroke, fill=fill)
    return marked


def _places(shown: Sequence[Mapping[str, Any]]) -> alt.Y:
    """Lines in the order of the rows."""
    import altair as alt

    axis = alt.Axis(labelLimit=0, grid=False, ticks=False, domain=False)
    return alt.Y("label:N", sort=[row["label"] for row in shown], title=None, axis=axis)


def _labelled(rows: Rows, longest: int) -> tuple[int, list[Point]]:
    """Rows with labels that fit, no two alike, and how many pixels they take."""
    shown: list[Point] = []
    for row in rows:
        label = _cut(str(row["label"]), longest)
        while any(label == other["label"] for other in shown):
            label += UNSEEN
        shown.append({"hidden": None, **row, "label": label})
    return round(max(_width(row["label"]) for row in shown)) + 12, shown


def _width(text: str) -> float:
    """Pixels a text takes at most, by the width East Asian letters have; close enough to leave room for it."""
    return FONT * sum(_share_of_em(mark) for mark in text)


def _share_of_em(mark: str) -> float:
    if unicodedata.category(mark) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(mark) in "WFA" or mark in "WM@%&":
        return 1.0
    return 0.74 if mark.isupper() else 0.58


def _cut(text: str, longest: int) -> str:
    if _width(text) <= longest:
        return text
    while _width(text) > longest - FONT:
        text = text[:-1]
    return f"{text}…"


def _months(rows: Rows, padding: int = 0) -> alt.X:
    import altair as alt

    seen = sorted({str(row["x"]) for row in rows})
    ends = [seen[0], seen[len(seen) // 2], seen[-1]] if len(seen) > 2 else seen
    values = [alt.DateTime(year=int(day[:4]), month=int(day[5:7]), date=int(day[8:]), utc=True) for day in ends]
    axis = alt.Axis(format="%Y-%m", values=values, grid=False, labelFlush=True)
    return alt.X("x:T", title=None, scale=alt.Scale(type="utc", padding=padding), axis=axis)


def _reach(rows: Rows, is_zero: bool) -> list[float]:
    """From the smallest to the largest end of an interval, with a little air."""
    ends = [float(row[name]) for row in rows for name in ("y", "low", "high") if row.get(name) is not None] or [0.0]
    low, high = min(ends), max(ends)
    air = (high - low) * 0.07 or abs(high) * 0.1 or 1.0
    if is_zero:
        return [low - air if low < 0 else 0.0, high + air if high > 0 else 0.0]
    return [low - air, high + air]


def _format(unit: str) -> str:
    return FORMATS.get(unit, ",~f")


def _dress(layers: Sequence[alt.Chart], *, left: int = LEFT, bottom: int = BOTTOM) -> dict[str, Any]:
    """The look that all charts share: no frame, a faint grid, the page's own font; sizes as given."""
    import altair as alt

    padding = {"left": left, "right": RIGHT, "top": TOP, "bottom": bottom}
    chart = (
        alt.layer(*layers)
        .properties(autosize=alt.AutoSizeParams(type="none"), padding=padding)
        .configure(background="transparent", font="inherit", aria=False)
        .configure_view(stroke=None)
        .configure_axis(
            labelFontSize=FONT,
            labelColor="var(--muted)",
            gridColor="var(--grid)",
            domain=False,
            tickSize=0,
            labelPadding=7,
            titleColor="var(--muted)",
            titleFontSize=FONT,
            titleFontWeight="normal",
        )
        .configure_axisY(labelColor="var(--ink)")
    )
    spec: dict[str, Any] = chart.to_dict()
    return spec
