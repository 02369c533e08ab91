"""Four hundred nights of one company: does a night become slower, and what grows? Draws docs/nights.svg.

    python -m tests.bench.many_nights [--lines 1000000] [--nights 400] [--every 20] [--folder .cache/nights]

The company has `lines` order lines in two years, of which the days before the last `nights` have landed (by the function behind
`engagement generate --scale`). Then, for every `every`-th night: its day and those since the last one are dropped as files, the
days between land in one range by the function that a night lands with, and the night itself runs whole, by the command, in a
process that starts cold. Files older than a month are taken out of the drop folders, as an operator would.

What was found is kept in <folder>/nights.json. The page is written only where the drawing goes to its own place.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from pipelines.generate.scale import drop, generate_scale
from pipelines.generate.scale_sql import DAYS, Scale
from pipelines.landing import land
from pipelines.settings import PROJECT, read_connections
from pipelines.sources.connection import Window
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from tests.bench.figures import machine, put, table
from tests.bench.measured import measure
from tests.bench.night import parts

PLOT = PROJECT / "docs" / "nights.svg"
KEPT_DAYS = 31
SIZES = ("landing", "warehouse.duckdb", "releases/current", "dagster")
Night = dict[str, Any]


def simulate(folder: Path, scale: Scale, nights: int, every: int) -> list[Night]:
    """Run every `every`-th of `nights` nights, the first included."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generate_scale(folder, scale)
    home, found = folder / "data", []
    landed = scale.last
    for number in sorted({1, *range(every, nights + 1, every)}):
        day = scale.day(scale.days + number - 1)
        drop(folder, scale, landed + timedelta(days=1), day)
        if landed + timedelta(days=1) < day:
            _land(folder, scale, Window(landed + timedelta(days=1), day - timedelta(days=1)))
        _take_away(folder, day - timedelta(days=KEPT_DAYS))
        night = _night(folder, home, day)
        found.append({"night": number, "history_days": scale.days + number, **night})
        print(f"night {number} ({day}): {night['wall']:.1f} s, {night['peak'] / 1e9:.2f} GB", flush=True)
        (folder / "nights.json").write_text(json.dumps(found, indent=1))
        landed = day
    return found


def _land(folder: Path, scale: Scale, window: Window) -> None:
    connections = list(read_connections(folder / "connections.yaml").connections.values())
    batch = Batch(f"to {window.end}", datetime.now(UTC))
    result = land(connections, window, folder / "data", Pseudonymiser(scale.keys()), batch)
    if result.refused:
        raise RuntimeError(f"{window}: {result.refused}")


def _take_away(folder: Path, before: date) -> None:
    for file in (folder / "drop").rglob("*.csv"):
        if file.stem.rpartition("_")[2] < f"{before:%Y%m%d}":
            file.unlink()


def _night(folder: Path, home: Path, day: date) -> Night:
    seconds = folder / "seconds.json"
    environment = {"ENGAGEMENT_HOME": str(home), "ENGAGEMENT_CONNECTIONS": str(folder / "connections.yaml")}
    command = [sys.executable, "-m", "tests.bench.one_night", str(seconds), "run", "--date", day.isoformat()]
    measured = measure(command, environment, folder / "night.log", PROJECT)
    sizes = {name: _size((home / name).resolve()) for name in SIZES}
    spent = parts(json.loads(seconds.read_text()), measured.wall)
    return {"wall": measured.wall, "cpu": measured.cpu, "peak": measured.peak, "parts": spent, "sizes": sizes}


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def plot(nights: list[Night], lines: int, target: Path) -> None:
    """Seconds of a night by part, and sizes on disk, against the days of history."""
    later = [night for night in nights if night["night"] > 1]  # the first builds everything from nothing
    spent = [
        {"days": night["history_days"], "part": part, "seconds": max(seconds, 0)}
        for night in later
        for part, seconds in night["parts"].items()
    ]
    sizes = [
        {"days": night["history_days"], "what": name, "megabytes": size / 1e6}
        for night in nights
        for name, size in night["sizes"].items()
    ]
    days = alt.X("days:Q", title="days of history", scale=alt.Scale(zero=False))
    title = f"Nights on top of each other, {lines:,} order lines in two years"
    left = alt.Chart(pd.DataFrame(spent), title="A night takes").mark_area()
    left = left.encode(days, alt.Y("seconds:Q", title="seconds", stack=True), alt.Color("part:N", title=None))
    right = alt.Chart(pd.DataFrame(sizes), title="What lies on the disk").mark_line(point=True)
    right = right.encode(days, alt.Y("megabytes:Q", title="MB"), alt.Color("what:N", title=None))
    chart = alt.hconcat(left.properties(width=330, height=240), right.properties(width=330, height=240), title=title)
    chart = chart.resolve_scale(color="independent")
    target.write_text(vl_convert.vegalite_to_svg(chart.to_dict()), encoding="utf-8")


def tell(nights: list[Night], lines: int, every: int) -> list[str]:
    """What the page says: what was simulated, the drawing, a few of the nights."""
    last = nights[-1]
    said = (
        f"{last['night']} nights at {lines:,} order lines in two years, {nights[0]['history_days'] - 1} days of history before "
        f"the first. Run whole, by the command, were the first night and every {every}th, {len(nights)} in all; the days between "
        "them were landed by the same function a range at a time, and built with the next whole night. The first night builds "
        f"everything from nothing and is not drawn. Measured on {datetime.now(UTC).date()}: {machine()}."
    )
    chosen = [nights[0], *nights[1 :: max(1, (len(nights) - 1) // 4)], last]
    rows = [
        (
            f"{night['night']}", f"{night['wall']:.1f}", f"{night['cpu']:.1f}", f"{night['peak'] / 1e9:.2f}",
            *(f"{night['sizes'][name] / 1e6:,.0f}" for name in SIZES),
        )
        for night in {night["night"]: night for night in chosen}.values()
    ]  # fmt: skip
    header = ("night", "seconds", "of CPU", "peak GB", *(f"{name}, MB" for name in SIZES))
    return [
        said,
        "",
        f"![Seconds of a night and sizes on disk against the days of history]({PLOT.name})",
        "",
        *table(header, rows, 1),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=400)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=PROJECT / ".cache" / "nights")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where the drawing goes")
    given = parser.parse_args()
    history = Scale(given.lines, days=DAYS - given.nights)
    found = simulate(given.folder.resolve(), history, given.nights, given.every)
    plot(found, given.lines, given.plot)
    if given.plot == PLOT:
        put("nights", tell(found, given.lines, given.every))
