"""The tables of a release in three forms: one DuckDB file, Parquet files and CSV files.

A table is one file of each kind, parquet/<table>.parquet and csv/<table>.csv. One that grows with the days is cut by months,
parquet/<table>/<YYYY-MM>.parquet. A part, that is a month or a table that is not cut, whose rows are as in the release before
takes over that release's files by a hard link, so that a night writes what changed, and seven releases take hardly more room
than one. So does the DuckDB file when no part changed; else pipelines/database.py makes it. All are written side by side, each
hashed and synced by who wrote it; the CSV of a part is read from its Parquet file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import duckdb

from pipelines.database import (
    DATABASE,
    Earlier,
    Part,
    connected,
    continue_database,
    quoted,
    shape,
    write_database,
)
from pipelines.sealed import seal

WRITERS = 4  # files at once: more than cores, since each waits for the disk at its end
LAYOUT = "2"  # raise when the same rows would be written differently
UNDATED = "undated"  # the file of rows without a month
Job = Callable[[], dict[str, str]]  # writes files; their checksums by name
BOM = "\ufeff"  # so that Excel reads Japanese
FORMULA = tuple(map(ord, "=+@\t\r-"))  # a text that begins so a spreadsheet would run


@dataclass(frozen=True)
class Before:
    """What an earlier release is: its folder, what its manifest says of it (as in `Exported`), and what has not changed since."""

    folder: Path
    shapes: Mapping[str, str]
    parts: Mapping[str, str]
    checksums: Mapping[str, str]
    continued: int
    same: frozenset[str]  # tables of the warehouse whose rows need not be looked at


@dataclass
class Exported:
    """What was written.

    Rows by table, a digest of its columns and of how it is cut, digests of the rows by part, checksums of all files, which are
    sealed, and for how many nights the DuckDB file was continued since it was made whole.
    """

    rows: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    continued: int = 0


def export(
    warehouse: Path,
    folder: Path,
    tables: Sequence[str],
    month_columns: Mapping[str, str],
    before: Before | None,
    nights: int,
    pages: Mapping[str, Callable[[], object]],
) -> Exported:
    """Write `tables` into `folder`; those named in `month_columns` are cut by the month of that column.

    `before` is a release whose files may be taken over; its DuckDB file is continued for fewer than `nights` nights. `pages` are
    further files with who writes each, once the DuckDB file is there to be read.
    """
    done = Exported()
    for kind in ("parquet", "csv"):
        for table in ("", *month_columns):
            (folder / kind / table).mkdir(parents=True, exist_ok=True)
    with connected(warehouse, folder / ".spill") as sql, ThreadPoolExecutor(WRITERS) as threads:
        for table in tables:
            told = f"{LAYOUT} {duckdb.__version__} {month_columns.get(table)} {shape(sql, table)}"
            done.shapes[table] = sha256(told.encode()).hexdigest()
        earlier = None
        if before and before.shapes == done.shapes:
            earlier = Earlier(before.folder / DATABASE, before.checksums.get(DATABASE), threads)
        parts: list[Part] = []
        # The small tables tell a night that changed something from one that did not before the large ones are read.
        for table in sorted(tables, key=lambda table: table in month_columns):
            column = month_columns.get(table)
            if before and earlier and table in before.same:
                found = [*_parts_before(before, table, column)]
            else:
                found = [*_parts(sql, table, column)]
            parts += found
            if before and earlier and before.continued + 1 < nights and not all(_is_kept(part, done, before) for part in found):
                earlier.copy(folder / DATABASE)
        done.parts = {part.name: part.digest for part in parts}
        done.rows = {table: sum(part.rows for part in parts if part.table == table) for table in tables}
        changed = [part for part in parts if not _is_kept(part, done, before)]
        anew = [part for part in parts if part in changed or not _take_over(folder, _files(part.name), before, done)]
        if before and earlier:
            gone = [name.partition("/") for name in before.parts if name not in done.parts]
            changed += [Part(table, f"{table}/{month}", _condition(month_columns[table], month)) for table, _, month in gone]
            # One that holds nothing but its rows may be taken over for ever; one that was continued counts its nights still.
            done.continued = before.continued + 1 if before.continued or changed else 0
            if done.continued >= max(nights, 1) or not earlier.is_as_published():
                earlier, done.continued = None, 0
        is_same = earlier is not None and not changed and _take_over(folder, (DATABASE,), before, done)
        database = partial(_write_database, sql, folder, done.rows, month_columns, earlier, changed)
        jobs: list[Job] = [lambda: ({} if is_same else database()) | _write_pages(folder, pages)]
        jobs += [partial(_write_part, sql, folder, part, is_cut=part.table in month_columns) for part in anew]
        for sealed in threads.map(lambda job: job(), jobs):
            done.checksums |= sealed
    return done


def _parts_before(before: Before, table: str, column: str | None) -> Iterator[Part]:
    """What `_parts` gives of a table whose rows are those of the release before."""
    for name, digest in before.parts.items():
        of, _, month = name.partition("/")
        if of == table:
            yield Part(table, name, _condition(column, month) if column else "true", int(digest.split()[0]), digest)


def _parts(sql: duckdb.DuckDBPyConnection, table: str, column: str | None) -> Iterator[Part]:
    """The table's months, or all of it as one, with a digest that does not depend on the order of the rows."""
    of_rows = "count(*) as rows, sum(hash(kept)::hugeint) as digest"
    if column is None:
        for rows, digest in sql.execute(f'select {of_rows} from warehouse.main."{table}" as kept').fetchall():
            yield Part(table, table, "true", rows, f"{rows} {digest}")
        return
    month = "strftime(date_trunc('month', day), '%Y-%m')"
    # By days first: to name the month of each row takes as long as its digest.
    days = f'select kept."{column}" as day, {of_rows} from warehouse.main."{table}" as kept group by all'
    query = f"select {month}, sum(rows)::bigint, sum(digest)::varchar from ({days}) group by all order by all"
    for name, rows, digest in sql.execute(query).fetchall() or [(None, 0, None)]:  # of no rows: a file that has the columns
        yield Part(table, f"{table}/{name or UNDATED}", _condition(column, name or UNDATED), rows, f"{rows} {digest}")


def _condition(column: str, month: str) -> str:
    """The rows of a month, said so that DuckDB need not look at those of others."""
    if month == UNDATED:
        return f'"{column}" is null'
    first = f"date '{month}-01'"
    return f'"{column}" >= {first} and "{column}" < cast({first} + interval 1 month as date)'


def _is_kept(part: Part, done: Exported, before: Before | None) -> bool:
    """Whether the release before has the same columns and rows of the part."""
    if before is None:
        return False
    return before.parts.get(part.name) == part.digest and before.shapes.get(part.table) == done.shapes[part.table]


def _files(part: str) -> tuple[str, str]:
    return f"parquet/{part}.parquet", f"csv/{part}.csv"


def _take_over(folder: Path, files: Sequence[str], before: Before | None, done: Exported) -> bool:
    """Whether files of the release before could be linked; not when it lacks one or the disk cannot link."""
    if before is None:
        return False
    linked: dict[str, str] = {}
    for name in files:
        try:
            os.link(before.folder / name, folder / name)
        except OSError:
            for other in linked:
                (folder / other).unlink()
            return False
        linked[name] = before.checksums[name]
    done.checksums |= linked
    return True


# -- writing: side by side, on connections of their own; each returns the checksums of its files ---------------------------------


def _write_database(
    sql: duckdb.DuckDBPyConnection,
    folder: Path,
    rows: Mapping[str, int],
    month_columns: Mapping[str, str],
    earlier: Earlier | None,
    changed: Sequence[Part],
) -> dict[str, str]:
    """Make the DuckDB file, or continue that of the release before by what `changed`."""
    file = folder / DATABASE
    with sql.cursor() as own:
        if earlier is None:
            write_database(own, file, rows, month_columns)
        else:
            earlier.copy(file).result()
            continue_database(own, file, rows, month_columns, changed)
            earlier.require_written()
    return {DATABASE: seal(file)}


def _write_pages(folder: Path, pages: Mapping[str, Callable[[], object]]) -> dict[str, str]:
    for write in pages.values():
        write()
    return {page: seal(folder / page) for page in pages}


def _write_part(sql: duckdb.DuckDBPyConnection, folder: Path, part: Part, *, is_cut: bool) -> dict[str, str]:
    """Write the rows of a part as Parquet and, read from there, as CSV. A table that is not cut is put in order.

    In CSV, text that a spreadsheet would run as a formula is given a leading apostrophe (OWASP, CSV injection).
    """
    names = _files(part.name)
    parquet, csv = (quoted(folder / name) for name in names)
    with sql.cursor() as own:
        rows = f'from warehouse.main."{part.table}" where {part.condition} {"" if is_cut else "order by all"}'
        own.execute(f"copy ({rows}) to '{parquet}' (format parquet, compression zstd, compression_level 1)")
        columns = [
            (
                name,
                f"""case when ascii("{name}") in {FORMULA} then '''' || "{name}" else "{name}" end"""
                if kind == "VARCHAR"
                else f'"{name}"',
            )
            for name, kind, *_ in own.execute(f"describe from '{parquet}'").fetchall()
        ]
        # The mark is the beginning of the first column's name: put before a finished file it would write it twice.
        named = ", ".join(f'{value} as "{"" if index else BOM}{name}"' for index, (name, value) in enumerate(columns))
        own.execute(f"copy (select {named} from '{parquet}') to '{csv}' (format csv, header)")
    return {name: seal(folder / name) for name in names}
