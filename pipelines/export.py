"""The tables of a release in three forms: one DuckDB file, Parquet files and CSV files.

A table is one file of each kind, parquet/<table>.parquet and csv/<table>.csv. One that grows with the days is cut by months,
parquet/<table>/<YYYY-MM>.parquet: a month whose rows are as in the release before takes over that release's files by a hard
link, so that a night writes what changed, and seven releases take hardly more room than one. The DuckDB file is written whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import duckdb

DATABASE = "engagement.duckdb"
LAYOUT = "1"  # raise when the same rows would be written differently
UNDATED = "undated"  # the file of rows without a month
MEMORY = "2GB"  # of DuckDB; beyond it sorts on the disk
BOM = b"\xef\xbb\xbf"  # so that Excel reads Japanese


@dataclass(frozen=True)
class Before:
    """The files that an earlier release has: digests of its months by `<table>/<month>`, checksums by path."""

    folder: Path
    months: Mapping[str, str]
    checksums: Mapping[str, str]


@dataclass
class Exported:
    """What was written: rows by table, digests of months, and the checksums of the files that were taken over."""

    rows: dict[str, int] = field(default_factory=dict)
    months: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)


def export(
    warehouse: Path, folder: Path, tables: Sequence[str], month_columns: Mapping[str, str], before: Before | None
) -> Exported:
    """Write `tables` into `folder`; those named in `month_columns` are cut by the month of that column."""
    done = Exported()
    for kind in ("parquet", "csv"):
        (folder / kind).mkdir(parents=True)
    with duckdb.connect(str(folder / DATABASE), config={"memory_limit": MEMORY}) as sql:
        sql.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
        for table in tables:
            order = "" if table in month_columns else "order by all"
            # A fresh file: nothing that was erased from the warehouse can hide in its pages.
            sql.execute(f'create table main."{table}" as from warehouse.main."{table}" {order}')
            _copy_comments(sql, table)
            row = sql.execute(f'select count(*) from main."{table}"').fetchone()
            done.rows[table] = int(row[0]) if row else 0
            if table not in month_columns:
                _write(sql, table, "true", folder, table)
                continue
            for kind in ("parquet", "csv"):
                (folder / kind / table).mkdir()
            for month, condition, digest in _months(sql, table, month_columns[table]):
                part = f"{table}/{month}"
                done.months[part] = digest
                taken = _take_over(folder, part, before) if before and before.months.get(part) == digest else {}
                done.checksums |= taken
                if not taken:
                    _write(sql, table, condition, folder, part)
        sql.execute("detach warehouse")
        sql.execute("checkpoint")
    return done


def _files(part: str) -> tuple[str, str]:
    return f"parquet/{part}.parquet", f"csv/{part}.csv"


def _months(sql: duckdb.DuckDBPyConnection, table: str, column: str) -> Iterator[tuple[str, str, str]]:
    """Each month's name, the condition of its rows, and a digest of them, of the table's columns and of how they are written."""
    columns = sql.execute(f'describe main."{table}"').fetchall()
    shape = sha256(f"{LAYOUT} {duckdb.__version__} {[column[:2] for column in columns]}".encode()).hexdigest()[:16]
    query = f"""
        select strftime(month, '%Y-%m'), count(*), sum(hash(kept)::hugeint)::varchar
        from (select date_trunc('month', "{column}") as month, kept from main."{table}" as kept)
        group by all order by all
    """
    for month, rows, digest in sql.execute(query).fetchall():
        condition = f"date_trunc('month', \"{column}\") = date '{month}-01'" if month else f'"{column}" is null'
        yield month or UNDATED, condition, f"{rows} {digest} {shape}"


def _take_over(folder: Path, part: str, before: Before) -> dict[str, str]:
    """Link the files of a month; their checksums, none when the earlier release lacks one or the disk cannot link."""
    taken: dict[str, str] = {}
    for name in _files(part):
        try:
            os.link(before.folder / name, folder / name)
        except OSError:
            for linked in taken:
                (folder / linked).unlink()
            return {}
        taken[name] = before.checksums[name]
    return taken


def _write(sql: duckdb.DuckDBPyConnection, table: str, condition: str, folder: Path, part: str) -> None:
    """The rows under a condition as Parquet and as CSV.

    In CSV, text that a spreadsheet would run as a formula is given a leading apostrophe (OWASP, CSV injection).
    """
    parquet, csv = (folder / name for name in _files(part))
    sql.execute(f"copy (from main.\"{table}\" where {condition}) to '{_quoted(parquet)}' (format parquet, compression zstd)")
    columns = ", ".join(
        f"""case when regexp_matches("{name}", '^[=+@\\t\\r-]') then '''' || "{name}" else "{name}" end as "{name}\""""
        if kind == "VARCHAR"
        else f'"{name}"'
        for name, kind, *_ in sql.execute(f'describe main."{table}"').fetchall()
    )
    plain = csv.with_suffix(".plain")
    sql.execute(f"copy (select {columns} from main.\"{table}\" where {condition}) to '{_quoted(plain)}' (format csv, header)")
    with plain.open("rb") as source, csv.open("wb") as marked:
        marked.write(BOM)
        shutil.copyfileobj(source, marked)
    plain.unlink()


def _copy_comments(sql: duckdb.DuckDBPyConnection, table: str) -> None:
    where = "database_name = 'warehouse' and schema_name = 'main' and table_name = ? and comment is not null"
    for (comment,) in sql.execute(f"select comment from duckdb_tables() where {where}", [table]).fetchall():
        sql.execute(f"comment on table main.\"{table}\" is '{_quoted(comment)}'")
    for column, comment in sql.execute(f"select column_name, comment from duckdb_columns() where {where}", [table]).fetchall():
        sql.execute(f'comment on column main."{table}"."{column}" is \'{_quoted(comment)}\'')


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
