"""What a night may keep of the warehouse, and which landed days it is told have changed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines import increments
from pipelines.assets.warehouse import manifest_path
from pipelines.settings import load_settings
from pipelines.sources.contract import table
from pipelines.store import QUARANTINE_SCHEMA, Day, Store

FINANCE = table("hr", "finance")
DAY = Day(0, 0, 0, "first", ("2024-01-01", "2024-01-31"), "1", "run-1", "2024-02-01T00:00:00+00:00")


def land(home: Path, content: str, *days: int, connection: str = "hr") -> None:
    """Land days of January 2024 that hold `content`."""
    entries = {date(2024, 1, day): replace(DAY, rows=1, hash=content) for day in days}

    def rows_of(asked: Iterable[date]) -> pa.Table:
        rows = [{"connection": connection, "change_date": day, "business_unit": content} for day in asked]
        return pa.Table.from_pylist(rows, FINANCE.schema)

    Store(home).replace(FINANCE, connection, rows_of, lambda _: QUARANTINE_SCHEMA.empty_table(), entries)


def build(home: Path, project: str = "project", *, is_killed: bool = False, is_renewed: bool = False) -> bool:
    """A build of the warehouse; whether it was kept."""
    built = increments.begin(home, Store(home), project, is_renewed=is_renewed)
    with duckdb.connect(str(home / increments.WAREHOUSE)) as warehouse:
        warehouse.execute("create or replace table t as select now() as built_at")
    if not is_killed:
        increments.end(home, "run", project, {"t": "run"})
    return built is not None


def changed(home: Path) -> set[tuple[str, int]]:
    """The days told as changed: connection and day of January."""
    rows = duckdb.sql(f"select connection, day(change_date) from '{home / increments.DAYS}' where is_changed").fetchall()
    return set(rows)


def test_a_first_build_is_from_nothing_and_the_next_is_told_of_no_change(tmp_path: Path) -> None:
    land(tmp_path, "tea", 1, 2)
    assert not build(tmp_path)
    assert build(tmp_path)
    assert changed(tmp_path) == set()


def test_of_a_warehouse_that_is_kept_it_is_known_which_run_each_table_is_of(tmp_path: Path) -> None:
    assert increments.runs_of_tables(tmp_path) == {}
    build(tmp_path)
    assert increments.runs_of_tables(tmp_path) == {"t": "run"}
    assert increments.begin(tmp_path, Store(tmp_path), "project") == {"t": "run"}
    assert increments.runs_of_tables(tmp_path) == {}
    assert increments.begin(tmp_path, Store(tmp_path), "project") is None


def test_days_that_came_that_hold_something_else_or_that_are_gone_have_changed(tmp_path: Path) -> None:
    land(tmp_path, "tea", 1, 2)
    land(tmp_path, "tea", 1, connection="old")
    build(tmp_path)
    land(tmp_path, "gifts", 2, 3)
    Store(tmp_path).file(FINANCE, "2024-01", "old").unlink()
    assert build(tmp_path)
    assert changed(tmp_path) == {("hr", 2), ("hr", 3), ("old", 1)}
    assert build(tmp_path)
    assert changed(tmp_path) == set()


def test_a_day_that_came_back_after_a_build_that_was_killed_is_not_overlooked(tmp_path: Path) -> None:
    land(tmp_path, "tea", 1)
    build(tmp_path)
    land(tmp_path, "gifts", 1)
    assert build(tmp_path, is_killed=True)
    assert increments.built_by(tmp_path) is None
    land(tmp_path, "tea", 1)
    assert not build(tmp_path)


def test_what_another_project_built_is_not_kept(tmp_path: Path) -> None:
    build(tmp_path, "one")
    assert not build(tmp_path, "other")
    assert build(tmp_path, "other")


def test_a_warehouse_that_somebody_else_wrote_into_or_removed_is_not_kept(tmp_path: Path) -> None:
    build(tmp_path)
    with duckdb.connect(str(tmp_path / increments.WAREHOUSE)) as warehouse:
        warehouse.execute("delete from t")
    assert not build(tmp_path)
    os.unlink(tmp_path / increments.WAREHOUSE)
    assert not build(tmp_path)


def test_what_was_built_before_rows_or_keys_were_changed_under_it_is_not_kept(tmp_path: Path) -> None:
    build(tmp_path)
    assert not build(tmp_path, is_renewed=True)


def test_reading_the_warehouse_is_no_change(tmp_path: Path) -> None:
    build(tmp_path)
    with duckdb.connect(str(tmp_path / increments.WAREHOUSE), read_only=True) as warehouse:
        warehouse.execute("from t")
    assert build(tmp_path)


@pytest.mark.parametrize("left", ["", "8aa4c516", '{"run": "1"}'])
def test_a_mark_that_says_something_else_is_no_mark(tmp_path: Path, left: str) -> None:
    build(tmp_path)
    (tmp_path / increments.MARK).write_text(left)
    assert not build(tmp_path)


def test_a_night_builds_what_follows_from_changed_tables_and_what_it_says_of_itself(tmp_path: Path) -> None:
    land(tmp_path, "tea", 1)
    build(tmp_path)
    build(tmp_path)
    each_night = ["model.engagement.stg_landing__days", "source.engagement.quarantine.rows"]
    assert increments.changed(tmp_path) == each_night
    land(tmp_path, "gifts", 1)
    build(tmp_path)
    assert increments.changed(tmp_path) == [*each_night, "source.engagement.hr.finance"]


def test_of_two_roots_all_that_is_made_of_either_follows_and_nothing_else() -> None:
    children = {"orders": ["facts"], "facts": ["report", "test"], "customers": ["report"], "report": [], "other": ["test"]}
    manifest = {"child_map": children}
    assert increments.following(manifest, ["orders"]) == {"orders", "facts", "report", "test"}
    assert increments.following(manifest, ["customers", "other"]) == {"customers", "report", "other", "test"}
    assert increments.following(manifest, []) == set()


def test_nothing_in_the_warehouse_depends_on_the_clock_or_on_chance() -> None:
    """What is left alone because nothing landed for it would be wrong where the same rows came out otherwise on another day."""
    manifest = json.loads(manifest_path(load_settings()).read_text())
    code = {name: node["raw_code"] for name, node in manifest["nodes"].items() if not name.startswith("seed.")}
    code |= {name: macro["macro_sql"] for name, macro in manifest["macros"].items() if macro["package_name"] == "engagement"}
    comments = re.compile(r"(?s)/\*.*?\*/|\{#.*?#\}|--[^\n]*")
    moving = re.compile(r"\b(current_\w+|now|today|getdate|localtime\w*|random|rand|setseed|uuid|run_started_at|datetime\.now)\b")
    assert {name: found for name, sql in code.items() if (found := moving.findall(comments.sub("", sql)))} == {}
