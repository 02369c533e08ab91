"""The DuckDB file of a release: made whole, or continued from that of the release before.

Writing ten million order lines anew takes longer than all else that a night publishes, though few of them changed. So the file
of the release before is copied, and in the copy only those parts are replaced whose rows changed. A published file itself is
never written to.

DuckDB leaves replaced rows in a file's free pages. What an erasure or a change of keys took away must not lie there: after one
the file is made whole. What a source took back may lie there for a number of nights, about as long as releases stay that show
it; then the file is made whole as well.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.sealed import digest, synced

DATABASE = "engagement.duckdb"
MEMORY = "1GB"  # of DuckDB; beyond it works on the disk


@dataclass(frozen=True)
class Part:
    """A month of a table that is cut by months, else a whole table: which rows in SQL, how many, and a digest of them."""

    table: str
    name: str
    condition: str
    rows: int = 0
    digest: str = ""


@contextmanager
def connected(warehouse: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with `warehouse` attached under that name, which puts aside below `spill` what exceeds its memory."""
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)}) as sql:
        sql.execute(f"attach '{quoted(warehouse)}' as warehouse (read_only)")
        try:
            yield sql
        finally:
            shutil.rmtree(spill, ignore_errors=True)


def write_database(sql: duckdb.DuckDBPyConnection, file: Path, rows: Mapping[str, int], cut: Collection[str]) -> None:
    """Make the file of all tables.

    `rows` by table; those that are `cut` by months keep the warehouse's order. OSError when the file has not as many rows.
    """
    with _written(sql, file, rows):
        for table in rows:
            _write_table(sql, table, is_cut=table in cut)


def continue_database(
    sql: duckdb.DuckDBPyConnection,
    file: Path,
    rows: Mapping[str, int],
    cut: Collection[str],
    changed: Sequence[Part],
) -> None:
    """Make the file, a copy of one that has the same tables, into that of the warehouse.

    `changed` are the parts that it has not, or other than the warehouse. OSError as for `write_database`.
    """
    with _written(sql, file, rows):
        for table in dict.fromkeys(part.table for part in changed):
            if table not in cut:
                _write_table(sql, table, is_cut=False)
                continue
            condition = " or ".join(f"({part.condition})" for part in changed if part.table == table)
            sql.execute(f'delete from release.main."{table}" where {condition}')
            sql.execute(f'insert into release.main."{table}" from warehouse.main."{table}" where {condition}')


class Earlier:
    """The DuckDB file of the release before, which is looked at and copied while other work goes on in `threads`."""

    def __init__(self, file: Path, checksum: str | None, threads: Executor) -> None:
        self._file, self._threads = file, threads
        self._look = threads.submit(lambda: file.exists() and digest(file) == checksum)
        self._copying: Future[None] | None = None
        self._syncing: Future[None] | None = None

    def is_as_published(self) -> bool:
        """Whether nobody has written to it since."""
        return self._look.result()

    def copy(self, to: Path) -> Future[None]:
        """Begin to copy it, once; it is not copied when somebody has written to it."""
        if self._copying is None:
            self._copying = self._threads.submit(self._copy, to)
        return self._copying

    def _copy(self, to: Path) -> None:
        if self.is_as_published():
            shutil.copyfile(self._file, to)
            self._syncing = self._threads.submit(synced, to)

    def require_written(self) -> None:
        """OSError when the copy did not reach the disk: the system tells that once, and not again when the file is sealed."""
        if self._syncing is not None:
            self._syncing.result()


def shape(sql: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str | None, ...]]:
    """The columns of a table of the warehouse by name, type and comment, and the table's own comment."""
    where = "database_name = 'warehouse' and schema_name = 'main' and table_name = ?"
    columns = f"select column_name, data_type, comment from duckdb_columns() where {where} order by column_index"
    own = f"select comment from duckdb_tables() where {where}"
    return [*sql.execute(columns, [table]).fetchall(), *sql.execute(own, [table]).fetchall()]


def quoted(text: object) -> str:
    """The inside of a text in SQL."""
    return str(text).replace("'", "''")


@contextmanager
def _written(sql: duckdb.DuckDBPyConnection, file: Path, rows: Mapping[str, int]) -> Iterator[None]:
    """Attach the file as `release` to be written to in one go. OSError when it has not as many `rows` then."""
    sql.execute(f"attach '{quoted(file)}' as release")
    # A commit waits for the disk, and each comment of a column would be one.
    sql.execute("begin")
    yield
    sql.execute("commit")
    sql.execute("checkpoint release")
    for table, count in rows.items():
        ((written,),) = sql.execute(f'select count(*) from release.main."{table}"').fetchall()
        if written != count:
            raise OSError(f"{file} holds {written} rows of {table}, the warehouse {count}")
    sql.execute("detach release")


def _write_table(sql: duckdb.DuckDBPyConnection, table: str, *, is_cut: bool) -> None:
    sql.execute(f'drop table if exists release.main."{table}"')
    order = "" if is_cut else "order by all"
    sql.execute(f'create table release.main."{table}" as from warehouse.main."{table}" {order}')
    *columns, (own,) = shape(sql, table)
    if own is not None:
        sql.execute(f"comment on table release.main.\"{table}\" is '{quoted(own)}'")
    for name, _, comment in columns:
        if comment is not None:
            sql.execute(f'comment on column release.main."{table}"."{name}" is \'{quoted(comment)}\'')
