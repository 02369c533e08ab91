"""Measures whole nights against what they could cost at least; prints the figures and writes them into docs/performance.md.

    python -m tests.bench.night [--folder .cache/bench] [samples] [order lines ...]

Without sizes: the samples and 100,000, 1,000,000 and 10,000,000 order lines. Per size, one after another on the same machine:

  generate    `engagement generate --scale`
  full        the first night: a day of files lands and everything is built from nothing, checked and published
  floor       the same compiled SQL in one DuckDB connection (floor.py)
  dbt         `dbt build` alone, on the same landing zone, from nothing
  pandas      the facts of shop, customers and social networks in pandas (plain_pandas), held against the night's tables
  few         some columns of orders, lines, customer months and cohorts in pandas (plain_pandas/few.py), held against them too
  copy        the landing zone's bytes, copied and synced: what the disk takes
  nightly     the next night, on top of the history: one day of files
  no change   the same night again

Results are kept in <folder>/results.json size by size; the page is written from them. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines import increments
from pipelines.assets.warehouse import DBT, DBT_PROJECT, dbt_args, dbt_environment
from pipelines.generate.scale import drop
from pipelines.generate.scale_sql import Scale
from pipelines.publish import list_releases
from pipelines.settings import PROJECT, Settings, read_connections
from tests.bench.figures import write_page
from tests.bench.measured import Measured, measure
from tests.bench.plain_pandas.compare import differences, share

SIZES = ("samples", "100000", "1000000", "10000000")
SAMPLES_NIGHT = date(2026, 9, 30)
ENGAGEMENT = Path(sys.executable).with_name("engagement")
PYTHON = [sys.executable, "-m"]

Result = dict[str, Any]


class Bench:
    """One size: its company and everything that is measured on it."""

    def __init__(self, folder: Path, connections: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.company = read_connections(connections).company
        self.environment = {"ENGAGEMENT_HOME": str(home), "ENGAGEMENT_CONNECTIONS": str(connections)}
        self.results: Result = {}

    def command(self, name: str, *command: str, environment: dict[str, str] | None = None) -> Measured:
        """Run a command and keep its measures under `name`."""
        print(f"  {name} ...", end=" ", flush=True)
        chosen = self.environment if environment is None else environment
        os.sync()  # what was written before is not waited for now
        measured = measure(command, chosen, self.folder / f"{name.replace(' ', '_')}.log", PROJECT)
        print(f"{measured.wall:.1f} s, {measured.cpu:.1f} s CPU, {measured.peak / 1e9:.2f} GB", flush=True)
        self.results[name] = asdict(measured)
        return measured

    def night(self, name: str, *arguments: str) -> None:
        """Run `engagement` as a user does; where the time of its steps went is kept beside the measures."""
        seconds = self.folder / "seconds.json"
        self.command(name, *PYTHON, "tests.bench.one_night", str(seconds), *arguments)
        noted = json.loads(seconds.read_text())
        self.results[name] |= {"parts": parts(noted, self.results[name]["wall"]), "rewriting": noted["rewriting"]}

    def floor(self, manifest: Path) -> None:
        """The models of `manifest` in one connection."""
        database = self.folder / "floor.duckdb"
        self.command("floor", *PYTHON, "tests.bench.floor", str(self.home), str(manifest), str(database))
        self.results["floor"]["bytes"] = database.stat().st_size
        models = json.loads((self.folder / "floor.log").read_text())
        self.results["floor"]["models"] = dict(list(models.items())[:10])
        database.unlink()

    @contextmanager
    def alone(self) -> Iterator[dict[str, str]]:
        """The environment of a dbt that builds the same landing zone into a warehouse of its own, parsed as the night's was."""
        alone = self.folder / "alone"
        shutil.rmtree(alone, ignore_errors=True)
        (alone / "dbt").mkdir(parents=True)
        for name in ("landing", "quarantine", increments.DAYS):
            (alone / name).symlink_to(self.home / name)
        for name in ("partial_parse.msgpack", "manifest.json"):
            if (self.home / "dbt" / name).exists():
                shutil.copy(self.home / "dbt" / name, alone / "dbt" / name)
        yield dbt_environment(Settings(home=alone))
        shutil.rmtree(alone)

    def dbt(self) -> None:
        """A night's one call of dbt, by itself, from nothing."""
        where = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        with self.alone() as environment:
            self.command("dbt", str(DBT), *dbt_args(self.company), *where, environment=environment)

    def copy(self) -> None:
        """Copy the landing zone and sync."""
        target = self.folder / "copy"
        began = time.perf_counter()
        shutil.copytree(self.home / "landing", target)
        os.sync()
        size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
        self.results["copy"] = {"wall": time.perf_counter() - began, "bytes": size}
        shutil.rmtree(target)


def parts(noted: Result, wall: float) -> dict[str, float]:
    """Seconds of a night by what they were spent on; what no step took is start-up and end.

    The models in Python are analysis: of the step of dbt they are given the share that they have of all nodes' seconds.
    """
    steps = dict(noted["steps"])
    built = steps.pop("warehouse", 0.0)
    nodes = noted["models"]
    python = sum(seconds for name, seconds in nodes.items() if name in PYTHON_MODELS)
    analysis = built * python / sum(nodes.values()) if nodes else 0.0
    landing = steps.pop("landing", 0.0) - noted["gate"]
    gates = noted["gate"] + steps.pop("exit_gate", 0.0) + steps.pop("leak_auditor", 0.0)
    publish = steps.pop("release", 0.0)
    known = {"landing": landing, "dbt": built - analysis, "analysis": analysis, "gates": gates, "publish": publish, **steps}
    return {**known, "start-up and end": wall - sum(known.values())}


PYTHON_MODELS = {f"model.engagement.{file.stem}" for file in (DBT_PROJECT / "models").rglob("*.py")}


def of_samples(folder: Path) -> Result:
    """The samples' night on a home that has them: everything is built, as by `dbt build` beside it; then nothing has changed."""
    bench = Bench(folder, PROJECT / "connections.yaml", folder / "data")
    bench.command("first run", str(ENGAGEMENT), "run")
    (bench.home / increments.MARK).unlink()
    for name in ("night", "no change"):
        bench.night(name, "run", "--date", SAMPLES_NIGHT.isoformat())
    bench.dbt()
    return bench.results


def of_lines(folder: Path, lines: int) -> Result:
    """Everything that is measured at one size."""
    scale = Scale(lines)
    generated = measure([str(ENGAGEMENT), "generate", str(folder), "--scale", str(lines)], {}, folder / "generate.log", PROJECT)
    print(f"  generate ... {generated.wall:.1f} s, {generated.cpu:.1f} s CPU, {generated.peak / 1e9:.2f} GB", flush=True)
    bench = Bench(folder, folder / "connections.yaml", folder / "data")
    bench.results["generate"] = asdict(generated)
    first = scale.last + timedelta(days=1)
    bench.night("full", "run", "--date", first.isoformat())
    # The SQL of a build from nothing: later nights compile the increments.
    shutil.copy(bench.home / "dbt" / "manifest.json", folder / "manifest.json")
    bench.floor(folder / "manifest.json")
    bench.dbt()
    for name, script in (("pandas", "tests.bench.plain_pandas"), ("few", "tests.bench.plain_pandas.few")):
        bench.command(name, *PYTHON, script, str(bench.home), str(folder / name))
        bench.results[name]["differences"] = differences(folder / name, bench.home / "warehouse.duckdb", is_part=name == "few")
    published = next(release for release in list_releases(bench.home) if release.is_current)
    bench.results["pandas"]["share"] = share(folder / "pandas", published.tables)
    bench.copy()
    drop(folder, scale, first + timedelta(days=1), first + timedelta(days=1))
    for name in ("nightly", "no change"):
        bench.night(name, "run", "--date", (first + timedelta(days=1)).isoformat())
    bench.results["warehouse"] = {"bytes": (bench.home / "warehouse.duckdb").stat().st_size}
    return bench.results


def main(folder: Path, sizes: list[str]) -> None:
    """Measure `sizes`, keep what was found and write the page."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "results.json"
    results: dict[str, Result] = json.loads(kept.read_text()) if kept.exists() else {}
    for size in sizes:
        place = folder / size
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        print(f"{size}:", flush=True)
        measured = of_samples(place) if size == "samples" else of_lines(place, int(size))
        results[size] = {**measured, "on": datetime.now(UTC).date().isoformat()}
        kept.write_text(json.dumps(results, indent=1))
        shutil.rmtree(place)
    write_page(results, sizes, [size for size in SIZES if size in results])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=PROJECT / ".cache" / "bench")
    parser.add_argument("sizes", nargs="*", default=SIZES, help="`samples` or a number of order lines")
    given = parser.parse_args()
    main(given.folder.resolve(), list(given.sizes))
