"""What a release takes over from the one before: files whose rows are the same, and a database that is continued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from pipelines import increments
from pipelines.database import DATABASE, Part
from pipelines.export import _parts
from pipelines.publish import list_releases, publish, remove_release
from tests.releasing import RUN, build, checked, draw, query, release, release_days

Content = Callable[[Path], dict[str, tuple[int, bytes]]]


def inodes(path: Path) -> dict[str, int]:
    return {f"{file.parent.parent.name} {file.stem}": file.stat().st_ino for file in path.glob("*/fct_sales/*")}


def test_a_table_that_grows_with_the_days_is_cut_by_months(tmp_path: Path) -> None:
    made = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2), ("2026-09-30", 3), (None, 4))
    assert {file.name for file in (made / "parquet" / "fct_sales").iterdir()} == {
        "2026-08.parquet", "2026-09.parquet", "undated.parquet",
    }  # fmt: skip
    assert (made / "csv" / "fct_sales" / "2026-09.csv").read_text("utf-8-sig").split() == [
        "business_date,amount", "2026-09-01,2", "2026-09-30,3",
    ]  # fmt: skip
    for kind, read in (("parquet", "read_parquet"), ("csv", "read_csv")):
        assert duckdb.sql(f"select sum(amount) from {read}('{made}/{kind}/fct_sales/*')").fetchall() == [(10,)]
    assert query(made / DATABASE, "select sum(amount) from fct_sales") == [(10,)]
    assert (made / "parquet" / "rpt_sales.parquet").exists()


def test_only_months_that_changed_are_written_again(tmp_path: Path) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    second = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2), ("2026-09-02", 3))
    before, after = inodes(first), inodes(second)
    assert {name for name in after if after[name] == before[name]} == {"parquet 2026-08", "csv 2026-08"}
    for made in (first, second):
        for name, checksum in json.loads((made / "manifest.json").read_text())["files"].items():
            assert sha256((made / name).read_bytes()).hexdigest() == checksum, name
    remove_release(list_releases(tmp_path)[1])
    assert duckdb.sql(f"select sum(amount) from read_parquet('{second}/parquet/fct_sales/*')").fetchall() == [(6,)]


def test_a_month_that_came_back_to_what_it_was_or_lost_its_rows_is_told_right(tmp_path: Path) -> None:
    release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    release_days(tmp_path, ("2026-08-31", 9))
    third = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    assert duckdb.sql(f"select sum(amount) from read_parquet('{third}/parquet/fct_sales/*')").fetchall() == [(3,)]


def test_a_column_of_another_type_and_a_file_that_is_gone_are_written_anew(tmp_path: Path) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    (first / "csv" / "fct_sales" / "2026-09.csv").unlink()
    second = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    shared = {name for name, inode in inodes(second).items() if inode in inodes(first).values()}
    assert shared == {"parquet 2026-08", "csv 2026-08"}
    build(tmp_path, extra="create or replace table fct_sales as select date '2026-08-31' as business_date, 1::bigint as amount")
    third = publish(tmp_path, ["fct_sales"], report=draw, run=RUN, keep=7, month_columns={"fct_sales": "business_date"}).path
    assert not set(inodes(third).values()) & set(inodes(second).values())


def test_a_night_that_changed_nothing_takes_over_every_file_of_tables(tmp_path: Path) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    # The same rows in another order, in a warehouse that was built anew.
    second = release_days(tmp_path, ("2026-09-01", 2), ("2026-08-31", 1))
    files = [path.relative_to(first) for path in first.rglob("*") if path.suffix in (".duckdb", ".parquet", ".csv")]
    assert len(files) == 7
    assert [name for name in files if (first / name).stat().st_ino != (second / name).stat().st_ino] == []
    checked(tmp_path, second)


def test_only_tables_that_were_built_since_the_release_before_are_read_for_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = {"fct_sales": "business_date"}
    read: list[str] = []

    def noted(sql: duckdb.DuckDBPyConnection, table: str, column: str | None) -> Iterator[Part]:
        read.append(table)
        return _parts(sql, table, column)

    monkeypatch.setattr("pipelines.export._parts", noted)
    for sales, runs, expected in (
        (100, {"fct_sales": "1", "rpt_sales": "1"}, ["rpt_sales", "fct_sales"]),
        (200, {"fct_sales": "1", "rpt_sales": "2"}, ["rpt_sales"]),
        (200, {"fct_sales": "1", "rpt_sales": "2"}, []),
        (200, {"fct_sales": "4", "rpt_sales": "2"}, ["fct_sales"]),
        (200, {"fct_sales": "4"}, ["rpt_sales"]),
    ):
        days = "(date '2026-08-31', 1), (null, 2)"
        build(tmp_path, sales, extra=f"create or replace table fct_sales as from (values {days}) as rows(business_date, amount)")
        increments.end(tmp_path, RUN, "project", runs)
        made = publish(tmp_path, ["fct_sales", "rpt_sales"], report=draw, run=RUN, keep=7, month_columns=months)
        checked(tmp_path, made.path)
        assert made.tables == {"fct_sales": 2, "rpt_sales": 2}
        assert read == expected
        read.clear()


def test_a_database_that_is_continued_holds_what_one_made_whole_does(tmp_path: Path, content: Content) -> None:
    histories: list[list[tuple[str | None, int]]] = [
        [],
        [("2026-08-31", 1), ("2026-09-01", 2)],
        [("2026-08-31", 1), ("2026-09-01", 2), ("2026-09-30", 3), ("2026-10-01", 4)],
        [("2026-08-31", 9), ("2026-10-01", 4), (None, 5)],  # one month changed, one went, undated rows came
        [("2026-08-31", 9), ("2026-10-01", 4), ("2026-12-31", 6), ("2027-01-01", 6), ("9999-12-31", 7)],
        [],
    ]
    for number, history in enumerate(histories):
        before = {made.name: content(made.path) for made in list_releases(tmp_path)}
        made = release_days(tmp_path, *(history or [("2020-01-01", 0)]), keep=9, where="" if history else "where false")
        assert json.loads((made / "manifest.json").read_text())["continued"] == number
        checked(tmp_path, made)
        assert duckdb.sql(f"from read_parquet('{made}/parquet/fct_sales/*')").columns == ["business_date", "amount"]
        assert {name: content(tmp_path / "releases" / name) for name in before} == before


def test_what_the_source_took_back_is_not_carried_along_for_more_nights_than_releases_are_kept(tmp_path: Path) -> None:
    is_hidden = []
    for night in range(5):
        extra = f"create or replace table rpt_text as select '{'taken back' if not night else 'kept'}' as t, {night} as night"
        build(tmp_path, extra=extra)
        made = publish(tmp_path, ["rpt_text", "rpt_sales"], report=draw, run=RUN, keep=3)
        is_hidden.append(b"taken back" in (made.path / DATABASE).read_bytes())
    assert is_hidden[0]
    assert not any(is_hidden[3:])


def test_after_an_erasure_nothing_is_taken_over(tmp_path: Path) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    months = {"fct_sales": "business_date"}
    made = publish(tmp_path, ["fct_sales", "rpt_sales"], report=draw, run=RUN, keep=7, month_columns=months, anew=True).path
    ours, theirs = ({path.stat().st_ino for path in place.rglob("*") if path.is_file()} for place in (made, first))
    assert not ours & theirs
    checked(tmp_path, made)


def test_a_table_that_is_cut_from_now_on_or_no_longer_is_written_anew(tmp_path: Path) -> None:
    release_days(tmp_path, ("2026-08-31", 1))
    for months in ({}, {"fct_sales": "business_date"}):
        made = publish(tmp_path, ["fct_sales", "rpt_sales"], report=draw, run=RUN, keep=7, month_columns=months).path
        assert (made / "parquet" / "fct_sales.parquet").exists() is not bool(months)
        checked(tmp_path, made)


@pytest.mark.parametrize("more", [[], [("2026-09-02", 3)]])
def test_a_published_database_that_somebody_wrote_to_is_neither_taken_over_nor_continued(
    tmp_path: Path, more: list[tuple[str | None, int]]
) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2))
    (first / DATABASE).chmod(0o644)
    with duckdb.connect(str(first / DATABASE)) as sql:
        sql.execute("update fct_sales set amount = 999 where business_date = '2026-08-31'")
    checked(tmp_path, release_days(tmp_path, ("2026-08-31", 1), ("2026-09-01", 2), *more))


@pytest.mark.parametrize(
    "change",
    [
        "alter table rpt_sales add column more integer",
        "comment on column rpt_sales.unit is 'the unit'",
        "alter table rpt_sales rename net_sales_jpy to sales",
    ],
)
def test_a_table_of_another_shape_makes_the_database_whole(tmp_path: Path, change: str) -> None:
    release(tmp_path)
    build(tmp_path, sales=200, extra=change)
    made = publish(tmp_path, ["rpt_sales"], report=draw, run=RUN, keep=7).path
    assert json.loads((made / "manifest.json").read_text())["continued"] == 0
    columns = "select column_name, data_type, comment from duckdb_columns() where table_name = 'rpt_sales' order by column_index"
    assert query(made / DATABASE, columns) == query(tmp_path / "warehouse.duckdb", columns)
