"""Drawings: safe to stand in the page, honest about gaps and small numbers, the same on every machine."""

from __future__ import annotations

import re

import pytest

from pipelines.report import charts
from pipelines.report.charts import ChartError, Drawing, to_svg

HOSTILE = '</text><script>alert(1)</script><text onload="x">'


def point(day: str, y: float | None, **more: object) -> charts.Point:
    ends = {"low": None, "high": None} if y is None else {"low": y - 1, "high": y + 1}
    return {"x": day, "y": y, "series": "s", "small": False, **ends, **more}


def line(label: str, y: float | None, **more: object) -> charts.Point:
    return {**point("", y), "label": label, "hidden": None, **more}


def test_a_hostile_label_is_text() -> None:
    drawn = to_svg(charts.lines([line(HOSTILE[:30], 1), line("b", 2)], "score"), "key", f'"><b>{HOSTILE}')
    assert "<script" not in drawn
    assert "&lt;/text&gt;" in drawn
    assert 'aria-label="&quot;&gt;&lt;b&gt;' in drawn


def test_what_is_no_shape_is_refused() -> None:
    picture = {"data": {"values": [{"u": "http://example.com/x.png"}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}
    with pytest.raises(ChartError, match="image"):
        to_svg(Drawing(picture), "key", "")


def test_a_missing_month_breaks_the_line() -> None:
    days = [f"2026-0{month}-01" for month in range(1, 6)]
    whole = to_svg(charts.trend([point(day, 5) for day in days], "score"), "key", "")
    broken = to_svg(charts.trend([point(day, None if day == days[2] else 5) for day in days], "score"), "key", "")

    def path(drawn: str) -> str:
        return next(one for one in re.findall(r'<path d="([^"]+)" stroke="var\(--c1\)"', drawn) if "A" not in one)

    assert path(whole).count("M") == 1
    assert path(broken).count("M") == 2


def test_what_rests_on_few_is_hollow_and_what_is_hidden_says_so() -> None:
    drawn = to_svg(charts.lines([line("a", 1, small=True), line("b", 2), line("c", None, hidden="非表示")], "score"), "key", "")
    assert drawn.count('fill="var(--card)"') == 1
    assert "非表示" in drawn
    assert 'fill="var(--hidden)"' in drawn


def test_two_labels_that_read_alike_stay_two_lines() -> None:
    drawn = to_svg(charts.lines([line("W" * 40 + "a", 1), line("W" * 40 + "b", 2)], "score"), "key", "")
    assert drawn.count("WWW…") == 2


def test_an_interval_reaches_into_the_drawing() -> None:
    drawn = to_svg(charts.trend([point("2026-01-01", 5), point("2026-02-01", 9)], "score"), "key", "")
    heights = [float(y) for y in re.findall(r'<line transform="translate\([\d.]+,([\d.]+)\)" x2="0"', drawn)]
    assert all(0 <= y <= charts.HEIGHT for y in heights)
    assert re.search(rf'viewBox="0 0 {charts.WIDTH} \d+"', drawn)
