"""Releases of a small warehouse, made as the nightly job makes them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import duckdb

from pipelines import increments
from pipelines.database import DATABASE
from pipelines.publish import publish

RUN = "run-1"


def build(home: Path, sales: int = 100, run: str = RUN, extra: str = "") -> None:
    """A warehouse with one table of two rows, whole and built by `run`."""
    home.mkdir(exist_ok=True)
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create or replace table rpt_sales (unit varchar, net_sales_jpy decimal(18, 2), change_rate double)")
        warehouse.execute(f"insert into rpt_sales values ('茶', {sales}, -0.5), ('菓子', -30, 0.25)")
        warehouse.execute("comment on table rpt_sales is 'Sales''s report. 売上。'")
        warehouse.execute("comment on column rpt_sales.net_sales_jpy is 'Net sales (円)'")
        warehouse.execute("create or replace table private_people (name varchar)")
        warehouse.execute(extra)
    increments.end(home, run, "project")


def draw(database: Path, name: str) -> str:
    """A page that counts what lies in the database it is made of."""
    (rows,) = query(database, "select sum(estimated_size)::bigint from duckdb_tables()")
    return f"{name}: {rows[0]} rows"


def release(home: Path, sales: int = 100, keep: int = 7) -> str:
    build(home, sales)
    return publish(home, ["rpt_sales"], report=draw, run=RUN, keep=keep).name


def query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def release_days(home: Path, *days: tuple[str | None, int], keep: int = 7, where: str = "", sales: int = 100) -> Path:
    """A release of a table that is cut by months: a day and an amount per row."""
    rows = ", ".join(f"(cast({f'{day!r}' if day else 'null'} as date), {amount})" for day, amount in days)
    build(home, sales, extra=f"create or replace table fct_sales as from (values {rows}) as rows(business_date, amount) {where}")
    months = {"fct_sales": "business_date"}
    return publish(home, ["fct_sales", "rpt_sales"], report=draw, run=RUN, keep=keep, month_columns=months).path


def checked(home: Path, made: Path) -> Path:
    """The release's database, once it has every row of the warehouse, its comments, and the manifest is right about the files."""
    for table in ("fct_sales", "rpt_sales"):
        rows = f"from {table} select * order by all"
        assert query(made / DATABASE, rows) == query(home / "warehouse.duckdb", rows), table
    assert ("rpt_sales", "Sales's report. 売上。") in query(made / DATABASE, "select table_name, comment from duckdb_tables()")
    for name, checksum in json.loads((made / "manifest.json").read_text())["files"].items():
        assert sha256((made / name).read_bytes()).hexdigest() == checksum, name
    return made / DATABASE
