"""The figures of tests/bench as tables: printed, and put between the markers of docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.settings import PROJECT

PAGE = PROJECT / "docs" / "performance.md"
MEASURED = {
    "generate": "`engagement generate --scale`",
    "full": "full rebuild: the first night",
    "nightly": "nightly: one more day",
    "no change": "no-change nightly",
    "floor": "floor: the compiled SQL alone",
    "dbt": "`dbt build` alone",
    "pandas": "plain pandas",
    "few": "plain pandas, some columns of four tables",
    "night": "samples' night",
}
NIGHTS = ("full", "nightly", "no change", "night")
Result = dict[str, Any]


def write_page(results: dict[str, Result], measured: Sequence[str], shown: Sequence[str]) -> None:
    """Print the tables of the sizes just `measured`; put those of the sizes `shown` into the page."""
    print("\n".join(tables({size: results[size] for size in measured})))
    if not set(measured) & set(shown):
        return
    put("figures", tables({size: results[size] for size in shown}))


def put(what: str, lines: Sequence[str]) -> None:
    """Replace what stands between the markers of `what` in the page."""
    begin, end = f"<!-- {what}: written by tests/bench -->", f"<!-- end of {what} -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text("\n".join([before + begin, "", *lines, end + after]), encoding="utf-8")
    print(f"wrote the {what} of {PAGE.relative_to(PROJECT)}")


def tables(results: dict[str, Result]) -> list[str]:
    """All tables as Markdown lines."""
    lines = [f"Measured on {', '.join(sorted({result['on'] for result in results.values()}))}: {machine()}.", ""]
    lines += ["### Ratios", "", *table(("ratio", "budget", *map(_name, results)), _ratios(results), len(results))]
    lines += ["### Times and memory", "", "Seconds on the clock / seconds of CPU / peak memory of all processes in GB.", ""]
    lines += table(("", *map(_name, results)), _times(results), len(results))
    lines += ["### Where a night's time goes", "", "Seconds on the clock, and share of the night.", ""]
    for night in NIGHTS:
        of_night = {size: result[night] for size, result in results.items() if night in result}
        if of_night:
            names = dict.fromkeys(part for result in of_night.values() for part in result["parts"])
            rows = [(part, *(_part(result, part) for result in of_night.values())) for part in names]
            lines += table((MEASURED[night], *map(_name, of_night)), rows, len(of_night))
    return lines


def machine() -> str:
    """Processor, cores, memory and the versions that matter."""
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dagster", "great-expectations", "pandas"))
    processor = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {processor}, {memory:.0f} GB; Python {platform.python_version()}, {packages}"


def _ratios(results: dict[str, Result]) -> list[tuple[str, ...]]:
    def row(name: str, budget: str, upper: tuple[str, ...], lower: tuple[str, ...]) -> tuple[str, ...]:
        return (name, budget, *(_ratio(result, upper, lower) for result in results.values()))

    rows = [
        row("full rebuild, whole job / floor", "1.5 at 10 M", ("full", "wall"), ("floor", "wall")),
        row("full rebuild / `dbt build` alone", "", ("full", "wall"), ("dbt", "wall")),
        row("nightly / full rebuild", "0.15", ("nightly", "wall"), ("full", "wall")),
        ("nightly / nightly at a tenth of the history", "1.5", *_growth(results)),
        row("no-change nightly / nightly", "", ("no change", "wall"), ("nightly", "wall")),
        row("samples' night / `dbt build` alone", "3", ("night", "wall"), ("dbt", "wall")),
        *(
            (f"gates, share of the {MEASURED[night]}", "0.15", *(_gates(result, night) for result in results.values()))
            for night in NIGHTS
        ),
        row("rewriting month files, share of the nightly", "0.05 at 10 M", ("nightly", "rewriting"), ("nightly", "wall")),
        *(
            row(f"{MEASURED[night]} / {MEASURED[script]}, {what}", budget, (night, key), (script, key))
            for script in ("pandas", "few")
            for night in ("nightly", "full")
            for what, budget, key in (("time", "0.5", "wall"), ("memory", "0.33", "peak"))
        ),
        row("floor / copy of the input's bytes", "", ("floor", "wall"), ("copy", "wall")),
    ]
    peaks = [max((result[night]["peak"] for night in NIGHTS if night in result), default=0) / 1e9 for result in results.values()]
    return [*rows, ("peak memory of a night, GB", "4 at 10 M", *(f"{peak:.2f}" for peak in peaks))]


def _times(results: dict[str, Result]) -> list[tuple[str, ...]]:
    def cell(measured: dict[str, Any] | None) -> str:
        return f"{measured['wall']:.1f} / {measured['cpu']:.1f} / {measured['peak'] / 1e9:.2f}" if measured else ""

    def copied(result: Result) -> str:
        return f"{result['copy']['wall']:.1f} ({result['copy']['bytes'] / 1e6:,.0f} MB)" if "copy" in result else ""

    rows = [(title, *(cell(result.get(name)) for result in results.values())) for name, title in MEASURED.items()]
    differences = [
        ", ".join(found for name in ("pandas", "few") for found in result.get(name, {}).get("differences", ()))
        for result in results.values()
    ]
    rows.append(("plain pandas makes", *(result.get("pandas", {}).get("share", "") for result in results.values())))
    if any(differences):
        rows.append(("**pandas and the night differ**", *differences))
    return [*rows, ("copy of the input's bytes, seconds", *map(copied, results.values()))]


def _growth(results: dict[str, Result]) -> Iterable[str]:
    for size, result in results.items():
        smaller = results.get(size[:-1], {})
        known = "nightly" in result and "nightly" in smaller
        yield f"{result['nightly']['wall'] / smaller['nightly']['wall']:.2f}" if known else ""


def _gates(result: Result, night: str) -> str:
    return f"{result[night]['parts']['gates'] / result[night]['wall']:.2f}" if night in result else ""


def _ratio(result: Result, upper: tuple[str, ...], lower: tuple[str, ...]) -> str:
    if upper[0] not in result or lower[0] not in result:
        return ""
    return f"{result[upper[0]][upper[1]] / result[lower[0]][lower[1]]:.2f}"


def _part(night: dict[str, Any], part: str) -> str:
    seconds = night["parts"].get(part, 0.0)
    return f"{seconds:.1f} ({seconds / night['wall']:.0%})"


def _name(size: str) -> str:
    return "samples" if size == "samples" else f"{int(size):,} lines"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], sizes: int) -> list[str]:
    """Lines of a Markdown table, numbers to the right; rows with nothing in the last `sizes` columns are left out."""
    kept = [row for row in rows if any(row[-sizes:])]
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, ruler, *kept)] + [""]
