"""Releases: readers are never disturbed, nothing half-made is ever seen, spreadsheets open them safely."""

from __future__ import annotations

import csv
import errno
import json
import shutil
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from pipelines.database import DATABASE
from pipelines.publish import PublishError, list_releases, publish, rollback
from pipelines.sealed import seal
from tests.releasing import RUN, build, checked, draw, query, release, release_days

Content = Callable[[Path], dict[str, tuple[int, bytes]]]


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
