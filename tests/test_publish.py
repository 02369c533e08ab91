"""Releases: readers are never disturbed, nothing half-made is ever seen, spreadsheets open them safely."""

from __future__ import annotations

import csv
import errno
import json
import shutil
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from pipelines import increments
from pipelines.database import DATABASE, Part
from pipelines.export import _parts
from pipelines.publish import PublishError, list_releases, publish, remove_release, rollback
from pipelines.sealed import seal

Content = Callable[[Path], dict[str, tuple[int, bytes]]]
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


def test_a_release_holds_the_report_of_its_own_tables(tmp_path: Path) -> None:
    name = release(tmp_path)
    page = tmp_path / "releases" / name / "report.html"
    assert page.read_text(encoding="utf-8") == f"{name}: 2 rows"
    manifest = json.loads((page.parent / "manifest.json").read_text())
    assert manifest["files"]["report.html"] == sha256(page.read_bytes()).hexdigest()


def test_a_report_that_cannot_be_drawn_keeps_the_release_before(tmp_path: Path, content: Content) -> None:
    release(tmp_path)
    before = content(tmp_path / "releases" / "current")

    def fail(database: Path, name: str) -> str:
        raise ValueError("no page")

    with pytest.raises(ValueError, match="no page"):
        publish(tmp_path, ["rpt_sales"], report=fail, run=RUN, keep=7)
    assert content(tmp_path / "releases" / "current") == before
    assert len(list_releases(tmp_path)) == 1


def test_a_warehouse_that_was_not_built_whole_is_not_published(tmp_path: Path, content: Content) -> None:
    release(tmp_path)
    before = content(tmp_path / "releases")
    (tmp_path / "warehouse.built").unlink()
    with pytest.raises(PublishError, match="not built whole"):
        publish(tmp_path, ["rpt_sales"], report=draw, run=RUN, keep=7)
    assert content(tmp_path / "releases") == before


def test_a_warehouse_rebuilt_by_another_run_is_not_published(tmp_path: Path) -> None:
    build(tmp_path, run="run-2")
    with pytest.raises(PublishError, match="another run"):
        publish(tmp_path, ["rpt_sales"], report=draw, run=RUN, keep=7)
    assert list_releases(tmp_path) == []


def test_a_failure_while_exporting_leaves_current_and_old_releases_as_they_were(tmp_path: Path, content: Content) -> None:
    first = release(tmp_path)
    before = content(tmp_path / "releases")
    build(tmp_path, sales=200)
    with pytest.raises(duckdb.CatalogException):
        publish(tmp_path, ["rpt_sales", "rpt_absent"], report=draw, run=RUN, keep=7)
    after = content(tmp_path / "releases")
    assert {name: file for name, file in after.items() if not name.startswith(".")} == before
    assert [(made.name, made.is_current) for made in list_releases(tmp_path)] == [(first, True)]
    second = release(tmp_path, sales=200)
    assert {path.name for path in (tmp_path / "releases").iterdir()} == {first, second, "current"}


@pytest.mark.parametrize("lost", ["csv/rpt_sales.csv", "parquet/fct_sales/2026-09.parquet", DATABASE, "report.html"])
def test_a_file_that_does_not_reach_the_disk_keeps_the_release_before(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    days: list[tuple[str | None, int]] = [("2026-08-31", 1), ("2026-09-01", 2)]
    first = release_days(tmp_path, *days)
    before = content(first)

    def full(path: Path) -> str:
        if str(path).endswith(lost):
            raise OSError(errno.ENOSPC, "no space left", str(path))
        return seal(path)

    monkeypatch.setattr("pipelines.export.seal", full)
    with pytest.raises(OSError, match="no space left"):
        release_days(tmp_path, *((day, amount + 1) for day, amount in days), sales=200)
    monkeypatch.undo()
    assert (tmp_path / "releases" / "current").resolve() == first
    assert content(first) == before
    checked(tmp_path, release_days(tmp_path, *((day, amount + 1) for day, amount in days), sales=200))


def test_a_copy_of_the_database_that_does_not_reach_the_disk_keeps_the_release_before(
    tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release_days(tmp_path, ("2026-08-31", 1))
    before = content(first)

    def lost(path: Path) -> None:
        raise OSError(errno.EIO, "input/output error", str(path))

    monkeypatch.setattr("pipelines.database.synced", lost)  # the system tells it once: sealing the file would not know
    with pytest.raises(OSError, match="input/output error"):
        release_days(tmp_path, ("2026-08-31", 2))
    assert (tmp_path / "releases" / "current").resolve() == first
    assert content(first) == before


def test_an_open_reader_keeps_its_rows_and_the_next_one_sees_the_new_ones(tmp_path: Path) -> None:
    release(tmp_path, sales=100)
    current = tmp_path / "releases" / "current" / DATABASE
    sales = "select net_sales_jpy::int from rpt_sales where unit = '茶'"
    with duckdb.connect(str(current), read_only=True) as early:
        assert early.execute(sales).fetchall() == [(100,)]
        release(tmp_path, sales=200)
        with duckdb.connect(str(current.resolve()), read_only=True) as late:
            assert late.execute(sales).fetchall() == [(200,)]
            assert early.execute(sales).fetchall() == [(100,)]


def test_an_open_reader_survives_the_removal_of_its_release(tmp_path: Path) -> None:
    first = release(tmp_path, keep=1)
    with duckdb.connect(str(tmp_path / "releases" / first / DATABASE), read_only=True) as reader:
        release(tmp_path, sales=200, keep=1)
        assert not (tmp_path / "releases" / first).exists()
        assert reader.execute("select count(*) from rpt_sales").fetchall() == [(2,)]


def test_the_newest_seven_are_kept(tmp_path: Path) -> None:
    names = [release(tmp_path, sales) for sales in range(9)]
    assert [made.name for made in list_releases(tmp_path)] == names[:1:-1]
    assert len(list_releases(tmp_path)) == 7


def test_rolling_back_points_current_at_the_release_before(tmp_path: Path, content: Content) -> None:
    first, second = release(tmp_path, 100), release(tmp_path, 200)
    before = content(tmp_path / "releases" / second)
    assert rollback(tmp_path).name == first
    assert query(tmp_path / "releases" / "current" / DATABASE, "select max(net_sales_jpy)::int from rpt_sales") == [(100,)]
    assert content(tmp_path / "releases" / second) == before
    assert rollback(tmp_path, second).name == second
    third = release(tmp_path, 300)
    assert [made.name for made in list_releases(tmp_path) if made.is_current] == [third]


def test_rolling_back_further_than_there_are_releases_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="no release before"):
        rollback(tmp_path)
    first = release(tmp_path)
    with pytest.raises(PublishError, match="no release before"):
        rollback(tmp_path)
    with pytest.raises(PublishError, match=f"no release 2020; there are {first}"):
        rollback(tmp_path, "2020")
    assert (tmp_path / "releases" / "current").resolve().name == first


def test_only_the_named_tables_leave_and_their_comments_go_with_them(tmp_path: Path) -> None:
    database = tmp_path / "releases" / release(tmp_path) / DATABASE
    assert query(database, "select table_name, comment from duckdb_tables()") == [("rpt_sales", "Sales's report. 売上。")]
    columns = "select column_name, comment from duckdb_columns() where table_name = 'rpt_sales' order by column_index"
    assert query(database, columns) == [("unit", None), ("net_sales_jpy", "Net sales (円)"), ("change_rate", None)]
    assert b"private_people" not in database.read_bytes()


def test_money_stays_exact_in_every_format(tmp_path: Path) -> None:
    made = tmp_path / "releases" / release(tmp_path, sales=99999999999999)
    expected = [("茶", "99999999999999.00"), ("菓子", "-30.00")]
    sql = "select unit, net_sales_jpy::varchar from {} order by unit desc"
    assert sorted(query(made / DATABASE, sql.format("rpt_sales"))) == sorted(expected)
    assert sorted(duckdb.sql(sql.format(f"'{made / 'parquet' / 'rpt_sales.parquet'}'")).fetchall()) == sorted(expected)
    assert duckdb.sql(f"describe from '{made / 'parquet' / 'rpt_sales.parquet'}'").fetchall()[1][1] == "DECIMAL(18,2)"


def test_a_spreadsheet_reads_japanese_and_runs_no_formula(tmp_path: Path) -> None:
    hostile = ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "茶", "a=1", "", None]
    values = ", ".join("(null)" if text is None else f"('{text}')" for text in hostile)
    build(tmp_path, extra=f"create table rpt_text as select t, -1 as whole, -0.5 as share from (values {values}) as v(t)")
    made = publish(tmp_path, ["rpt_text"], report=draw, run=RUN, keep=7)
    data = (made.path / "csv" / "rpt_text.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines(keepends=True)))
    assert sorted(row["t"] for row in rows) == sorted(["'=1+1", "'+1", "'-1", "'@sum(a1)", "'\t=1", "'\r=1", "茶", "a=1", "", ""])
    assert {(row["whole"], row["share"]) for row in rows} == {("-1", "-0.5")}


def test_a_release_is_read_only_and_its_manifest_agrees_with_its_files(tmp_path: Path) -> None:
    made = tmp_path / "releases" / release(tmp_path)
    files = [path for path in made.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["tables"] == {"rpt_sales": 2}
    assert manifest["run"] == RUN
    assert manifest["files"] == {
        str(path.relative_to(made)): sha256(path.read_bytes()).hexdigest() for path in files if path.name != "manifest.json"
    }


def test_a_release_needs_nothing_but_its_own_folder(tmp_path: Path) -> None:
    made = tmp_path / "home" / "releases"
    name = release(tmp_path / "home")
    shutil.copytree(made / name, tmp_path / "copy")
    shutil.rmtree(tmp_path / "home")
    assert query(tmp_path / "copy" / DATABASE, "select count(*) from rpt_sales") == [(2,)]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    first = release(tmp_path)
    releases = tmp_path / "releases"
    (releases / ".20240101T000000.000000Z.making" / "csv").mkdir(parents=True)
    (releases / ".current.4711").symlink_to(first)
    second = release(tmp_path)
    assert {path.name for path in releases.iterdir()} == {first, second, "current"}


def release_days(home: Path, *days: tuple[str | None, int], keep: int = 7, where: str = "", sales: int = 100) -> Path:
    """A release of a table that is cut by months: a day and an amount per row."""
    rows = ", ".join(f"(cast({f'{day!r}' if day else 'null'} as date), {amount})" for day, amount in days)
    build(home, sales, extra=f"create or replace table fct_sales as from (values {rows}) as rows(business_date, amount) {where}")
    months = {"fct_sales": "business_date"}
    return publish(home, ["fct_sales", "rpt_sales"], report=draw, run=RUN, keep=keep, month_columns=months).path


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


def checked(home: Path, made: Path) -> Path:
    """The release's database, once it has every row of the warehouse, its comments, and the manifest is right about the files."""
    for table in ("fct_sales", "rpt_sales"):
        rows = f"from {table} select * order by all"
        assert query(made / DATABASE, rows) == query(home / "warehouse.duckdb", rows), table
    assert ("rpt_sales", "Sales's report. 売上。") in query(made / DATABASE, "select table_name, comment from duckdb_tables()")
    for name, checksum in json.loads((made / "manifest.json").read_text())["files"].items():
        assert sha256((made / name).read_bytes()).hexdigest() == checksum, name
    return made / DATABASE


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
