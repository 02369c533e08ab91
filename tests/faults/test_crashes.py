"""A process killed at any moment leaves whole files only, and the next run makes good what it left undone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
from shops import Shop, line

from pipelines import increments
from pipelines.assets.warehouse import wait_until_free
from pipelines.database import DATABASE
from pipelines.publish import list_releases, publish
from pipelines.sources.contract import TABLES
from pipelines.store import Store

HOLD = """
import sys
import duckdb
held = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""
Content = Callable[[Path], dict[str, tuple[int, bytes]]]
TESTS = Path(__file__).resolve().parents[1]
MONTHS = [f"2024-{month:02}" for month in range(1, 13)]
LAND = """
import sys
from pathlib import Path
from shops import Shop
import great_expectations
shop = Shop(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(shop.land("2024-01-01", "2024-12-31").refused, flush=True)
"""
PUBLISH = """
import sys
from pathlib import Path
from pipelines.publish import publish
print("ready", flush=True)
sys.stdin.readline()
publish(Path(sys.argv[1]), ["rpt_a", "rpt_b", "rpt_c"], report=lambda database, name: "page", run="run-1", keep=2)
"""


def draw(database: Path, name: str) -> str:
    return "page"


def kill_when(script: str, root: Path, is_time: Callable[[], bool]) -> bool:
    """Run `script` in a process of its own and kill it as soon as `is_time`; False when it was done before."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        until = time.monotonic() + 60
        while process.poll() is None and not is_time():
            assert time.monotonic() < until, "the moment to kill the process never came"
            time.sleep(0.0005)
        return process.poll() is None
    finally:
        process.kill()
        process.wait()
        assert process.returncode in (0, -signal.SIGKILL)


def rows_by_file(store: Store) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every landed file as a reader finds it; fails where one cannot be read or its manifest disagrees with its rows."""
    for target in TABLES:
        for file in sorted((store.landing / target.source / target.name).glob("month=*/*.parquet")):
            rows = pq.ParquetFile(file).read().to_pylist()
            yield (
                str(file.relative_to(store.landing)),
                [{name: value for name, value in row.items() if name not in ("landed_at", "batch_id")} for row in rows],
            )
        for name in {file.stem for file in (store.landing / target.source / target.name).glob("month=2*/*.parquet")}:
            for day, entry in store.days(target, name).items():
                file = store.file(target, f"{day:%Y-%m}", name)
                landed = pq.ParquetFile(file).read(columns=["change_date"])["change_date"].to_pylist()
                assert landed.count(day) == entry.rows, (file, day)


def export(amount: int) -> list[str]:
    rows = []
    for month in MONTHS:
        rows += [line(f"{month}-1", f"{month}-15", Amount=str(amount)), line(f"{month}-2", f"{month}-16", State="cancelled")]
    return [*rows, line("U", "2024-02-30"), line("B", "2024-05-05", Tax="150")]


def written_since(store: Store, instant: int) -> int:
    count = 0
    for root, _, files in os.walk(store.landing):
        for name in files:
            try:
                count += os.stat(os.path.join(root, name)).st_mtime_ns > instant and "month=0000" not in root
            except FileNotFoundError:  # a temporary file that has just been renamed
                continue
    return count


def test_a_landing_killed_at_any_moment_leaves_whole_files_and_the_next_one_lands_the_same(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.drop(*export(100))
    undisturbed = Shop(tmp_path, home=tmp_path / "undisturbed")
    undisturbed.land("2024-01-01", "2024-12-31")
    old = dict(rows_by_file(undisturbed.store))
    assert len(old) == len(TABLES) + 3 * len(MONTHS) + 1  # the empty files; a product lands on the day of its newest line

    # Killed at the door, then among the month files of the second of three tables.
    started = time.time_ns()
    moments: list[Callable[[], bool]] = [
        lambda: any((shop.home / "staging").glob("*/door.duckdb")),
        lambda: written_since(shop.store, started) >= 20,
    ]
    for is_time in moments:
        assert kill_when(LAND, tmp_path, is_time)
        found = dict(rows_by_file(shop.store))
        assert all(rows == old[name] for name, rows in found.items() if name in old)
        assert found.keys() <= old.keys()
    assert 0 < sum("month=2" in name for name in found) < sum("month=2" in name for name in old)
    assert shop.land("2024-01-01", "2024-12-31").refused == {}
    assert dict(rows_by_file(shop.store)) == old

    # Every month changes: a file is the old one or the new one. Again the second table's are among the first 20.
    shop.drop(*export(200))
    undisturbed.land("2024-01-01", "2024-12-31")
    new = dict(rows_by_file(undisturbed.store))
    started = time.time_ns()
    assert kill_when(LAND, tmp_path, lambda: written_since(shop.store, started) >= 20)
    found = dict(rows_by_file(shop.store))
    assert all(rows in (old[name], new[name]) for name, rows in found.items())
    assert found not in (old, new)
    assert shop.land("2024-01-01", "2024-12-31").refused == {}
    assert dict(rows_by_file(shop.store)) == new
    for name in ("orders", "order_lines", "adjustments"):
        assert [row["reason"] for row in shop.held_back(name)] == [row["reason"] for row in undisturbed.held_back(name)]
    assert list(shop.home.rglob("*.tmp")) == list((shop.home / "staging").iterdir()) == []


def build(home: Path, factor: int) -> None:
    home.mkdir(exist_ok=True)
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        for name in ("rpt_a", "rpt_b", "rpt_c"):
            warehouse.execute(
                f"create or replace table {name} as select i, {factor} * i as n, 'text ' || i as t from range(60000) as r(i)"
            )
    increments.end(home, "run-1", "project")


MOMENTS: dict[str, str] = {
    "its folder is there": ".*.making",
    "the database is there": f".*.making/{DATABASE}",
    "the first table is there": ".*.making/csv/rpt_a.csv",
    "the last table is being written": ".*.making/parquet/rpt_c.parquet",
    "the manifest is there": ".*.making/manifest.json",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_publish_killed_when(moment: str, tmp_path: Path, content: Content) -> None:
    build(tmp_path, 1)
    tables = ["rpt_a", "rpt_b", "rpt_c"]
    publish(tmp_path, tables, report=draw, run="run-1", keep=2)
    last = publish(tmp_path, tables, report=draw, run="run-1", keep=2)
    releases = tmp_path / "releases"
    before = {made.name: content(made.path) for made in list_releases(tmp_path)}
    build(tmp_path, 2)
    was_killed = kill_when(PUBLISH, tmp_path, lambda: any(releases.glob(MOMENTS[moment])))
    assert was_killed
    assert (releases / "current").resolve().name == last.name
    assert {name: content(releases / name) for name in before} == before
    with duckdb.connect(str(releases / "current" / DATABASE), read_only=True) as reader:
        assert reader.execute("select sum(n) from rpt_c").fetchone() == (60000 * 59999 // 2,)
    made = publish(tmp_path, tables, report=draw, run="run-1", keep=2)
    assert {path.name for path in releases.iterdir()} == {last.name, made.name, "current"}
    with duckdb.connect(str(releases / "current" / DATABASE), read_only=True) as reader:
        assert reader.execute("select sum(n) from rpt_c").fetchone() == (60000 * 59999,)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the warehouse open, as the dbt of a killed night has."""
    arguments = [sys.executable, "-c", HOLD, str(tmp_path / "warehouse.duckdb")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_warehouse_that_stays_open_elsewhere_is_told_with_the_process(held: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(dg.Failure) as failure:
        wait_until_free(tmp_path / "warehouse.duckdb", lambda _: None, seconds=0)
    assert f"is open in process {held.pid}" in str(failure.value.description)


def test_a_build_waits_for_the_one_that_outlived_its_night(held: subprocess.Popen[str], tmp_path: Path) -> None:
    said: list[str] = []

    def heard(line: str) -> None:
        said.append(line)
        held.kill()

    wait_until_free(tmp_path / "warehouse.duckdb", heard)
    assert said == ["another process has the warehouse open; waiting"]
