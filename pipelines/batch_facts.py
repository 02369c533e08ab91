"""The facts by which one connection's pull of one table is judged: counts, and a sentence for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import duckdb

from pipelines.quality.landing import LARGEST_QUARANTINE, LARGEST_SHRINK, LARGEST_UNPARSED, SMALLEST_VOLUME_FLOOR
from pipelines.sources.connection import FileConnection, Window
from pipelines.sources.masking import masked
from pipelines.sources.pull import Pulled, money_column
from pipelines.sources.schema import Table
from pipelines.store import NO_MONTH, Day, Store, month_of

ROWS_AT_ONCE = 200_000  # that are looked at together, where a day has not more
FEW = 10  # below this many rows a day's volume says nothing
FEW_BAD = 3  # so many rows may be bad in however small a batch

CREATE = """create table facts (
  batch varchar, source_table varchar, connection varchar, read_error varchar, type_error varchar, unknown_value varchar,
  conflicting_key varchar, volume_error varchar, shrink_error varchar, checked_rows bigint, quarantined_rows bigint,
  excess_quarantined bigint, rows_lost bigint, money_lost double)"""


@dataclass
class Due:
    """The days of one connection and table that this run looks at.

    `changed` days are replaced; the last day of the window is looked at even when nothing changed. `hashes` are those of the days
    as pulled, `landed` the manifest.
    """

    table: Table
    connection: str
    hashes: dict[date, str]
    changed: set[date]
    looked_at: set[date]
    landed: dict[date, Day]


@dataclass(frozen=True)
class Counts:
    """Rows of one connection and table. `not_due` ones belong to days that are landed already or not asked for."""

    read: int
    checked: int
    quarantined: int
    duplicates: int
    landing: int
    not_due: int
    future: int  # of those not due: dated after the run, so they wait for their day

    @property
    def lost(self) -> int:
        """Rows that are neither landing nor accounted for: always 0, or the batch is refused."""
        return self.read - self.landing - self.quarantined - self.duplicates - self.not_due


class BatchFacts:
    """Works out the facts of one connection and table from the door's raw_, kept_, now_ and rejected tables."""

    def __init__(self, sql: duckdb.DuckDBPyConnection, due: Due, pulled: Pulled, window: Window, store: Store) -> None:
        self.sql = sql
        self.due = due
        self.pulled = pulled
        self.window = window
        self.store = store
        self.is_rejected = f"_id in (select _id from rejected where source_table = '{due.table.id}')"
        self.raw, self.kept, self.now = (f'"{kind}_{due.table.relation}"' for kind in ("raw", "kept", "now"))

    def insert(self, accept_shrink: bool) -> Counts:
        """Add the row to `facts`; the counts it rests on."""
        due, counts = self.due, self.counts()
        wrong: list[str | None]
        if self.pulled.error:
            wrong = [str(self.pulled.error), None, None, None, None, None]
        else:
            wrong = [None, self.type_error(), self.unknown_value(), self.conflicting_key()]
            wrong += [None, None] if accept_shrink else [self.volume_error(), self.shrink_error()]
        names = [f"{due.connection}: {due.table.id}", due.table.id, due.connection]
        numbers = [counts.checked, counts.quarantined, self.excess_quarantined(), counts.lost, self.money_lost()]
        self.sql.execute(f"insert into facts values ({', '.join('?' * 14)})", [*names, *wrong, *numbers])
        return counts

    def counts(self) -> Counts:
        """Every row read, by what becomes of it."""
        rejected = self.is_rejected
        raw, kept, checked = (self._count(relation) for relation in (self.raw, self.kept, self.now))
        return Counts(
            read=0 if self.pulled.error else self.pulled.rows.get(self.due.table.name, 0),
            checked=checked,
            quarantined=self._count(self.now, rejected),
            duplicates=raw - kept,
            landing=self._count(self.now, f"change_date is not null and not {rejected}"),
            not_due=kept - checked,
            future=self._count(self.kept, "change_date > cast(landed_at as date) + 1"),
        )

    def money_lost(self) -> float:
        """Money read from the source less money staged."""
        column = money_column(self.due.table)
        if column is None or self.pulled.error:
            return 0.0
        staged = single(self.sql, f"select coalesce(sum({column}), 0) from {self.raw} where connection = ?", self.due.connection)
        return float(self.pulled.money.get(self.due.table.name, 0)) - float(staged)

    def excess_quarantined(self) -> int:
        """Rows held back beyond what is tolerated: of the days looked at, and of the rows without a day in each file."""
        dated = "change_date is not null"
        rejected = self._count(self.now, f"{dated} and {self.is_rejected}")
        excess = max(0, rejected - max(FEW_BAD, int(LARGEST_QUARANTINE * self._count(self.now, dated))))
        # A row without a day comes up in every run while its file lies there: against one night's rows it would soon block.
        tolerated = f"greatest({FEW_BAD}, floor({LARGEST_QUARANTINE} * rows))"
        query = f"""select coalesce(sum(greatest(0, undated - {tolerated})), 0)::bigint
            from (select count(*) as rows, count(*) filter (where change_date is null) as undated
              from {self.raw} where connection = ? group by _age, _file)"""
        return excess + single(self.sql, query, self.due.connection)

    def type_error(self) -> str | None:
        """A column of which more than a tenth, or all, can no longer be read has changed its type; without a day, of its file."""
        query = f"""
            with cells as (
              select unnest(string_split(_unparsed, '; ')) as cell, if(change_date is null, _file, null) as file, _id, _file, _row
              from {self.now} where connection = ? and _unparsed is not null
            )
            select split_part(cell, ':', 1), file, count(*), arg_min(concat(cell, ' (', _file, ' row ', _row, ')'), _id)
            from cells where cell like '%: %' group by 1, 2 order by 3 desc, 1"""
        for column, file, bad, first in self.sql.execute(query, [self.due.connection]).fetchall():
            rows, where, values = (self.raw, "_file = ?", [file]) if file else (self.now, "change_date is not null", [])
            checked = self._count(rows, where, *values)
            is_known = column in self.due.table.schema.names
            readable = self._count(rows, f'{where} and "{column}" is not null', *values) if is_known else checked
            if (bad > 1 and readable == 0) or (bad > FEW_BAD and bad > LARGEST_UNPARSED * checked):
                return f"{bad} of {checked} cells of a column cannot be read, first {first}"
        return None

    def unknown_value(self) -> str | None:
        """A state or kind that the contract does not list."""
        for column in self.due.table.columns:
            query = f"""select "{column.name}", _file, _row from {self.now}
                where connection = ? and "{column.name}" is not null and not list_contains(?, "{column.name}")
                order by _id limit 1"""
            if column.enum and (found := self.sql.execute(query, [self.due.connection, list(column.enum)]).fetchone()):
                value, file, row = found
                known = ", ".join(column.enum)
                return f"{column.name} has the unknown value {masked(value)!r} ({file} row {row}); known are {known}"
        return None

    def conflicting_key(self) -> str | None:
        """A record that one day holds twice with different content: which one is right cannot be known."""
        key = ", ".join(self.due.table.key)
        is_known = " and ".join(f"{name} is not null" for name in ("change_date", *self.due.table.key))
        several = f"where connection = ? and {{}} and {is_known} group by change_date, {key} having count(*) > 1"
        days = f"select change_date, count(*) from {self.now} where connection = ? group by change_date order by change_date"
        found: list[str | None] = []
        for span in spans(self.sql.execute(days, [self.due.connection]).fetchall()):
            records = f"select any_value(source_record_id) as record from {self.now} {several.format(span)}"
            query = f"select min(record) from ({records})"
            found += self.sql.execute(query, [self.due.connection]).fetchone() or []
        record = min(filter(None, found), default=None)
        if record is None:
            return None
        query = f"""select list(_row order by _row)[:5], any_value(_file)
            from {self.now} {several.format("source_record_id = ?")} limit 1"""
        rows, file = self.sql.execute(query, [self.due.connection, record]).fetchone() or ([], "")
        return f"record {record} occurs more than once with different content ({file} rows {', '.join(map(str, rows))})"

    def volume_error(self) -> str | None:
        """The last day against the median of the same weekday in the four weeks before."""
        if not (self.due.table.is_daily and self.pulled.connection.daily):
            return None
        end = self.window.end
        if end not in self.pulled.readings.get(self.due.table.name, {end}):
            return None
        usual = median(self._day_rows(end - timedelta(days=7 * week)) for week in range(1, 5))
        now = self._day_rows(end) if end in self.due.hashes else 0
        if usual < FEW or now >= SMALLEST_VOLUME_FLOOR * usual:
            return None
        hint = "run again when its file is there, or with --accept-shrink if that is right"
        return f"{end} has {now} rows, that weekday usually {usual:g}; {hint}"

    def shrink_error(self) -> str | None:
        """Records that the changed days had and the source no longer knows. One that moved to a later day is not lost."""
        days = sorted(day for day in self.due.changed if day in self.due.landed and self.due.landed[day].rows)
        if not days:
            return None
        months = sorted({month_of(day) for day in days})
        files = [str(self.store.file(self.due.table, month, self.due.connection)) for month in months]
        query = f"""
            select change_date, count(*), count(*) filter (where not exists (
              select 1 from {self.kept} as kept
              where kept.connection = old.connection and kept.source_record_id = old.source_record_id)
              and not exists (
              select 1 from read_parquet(?, hive_partitioning = false) as later
              where later.source_record_id = old.source_record_id and later.change_date > old.change_date))
            from read_parquet(?, hive_partitioning = false) as old
            where change_date = any(?) group by change_date order by change_date"""
        found = self.sql.execute(query, [self._landed_later(files, months[0]), files, days]).fetchall()
        # All days together as well: a small shop has only few rows a day, and an empty folder would take them all.
        found.append((f"{days[0]} to {days[-1]}", sum(row[1] for row in found), sum(row[2] for row in found)))
        for day, before, gone in found:
            if before >= FEW and gone > LARGEST_SHRINK * before:
                hint = "put the missing file back, or run with --accept-shrink"
                return f"{gone} of the {before} rows landed for {day} are gone; {hint}"
        return None

    def _landed_later(self, files: list[str], first: str) -> list[str]:
        """Where a record may have moved to: for a drop folder, which says all at once, nowhere but in the pull itself."""
        if isinstance(self.pulled.connection, FileConnection):
            return [str(self.store.file(self.due.table, NO_MONTH, "empty"))]
        landed = {month_of(day) for day in self.due.landed if month_of(day) >= first}
        return [str(self.store.file(self.due.table, month, self.due.connection)) for month in sorted(landed)] or files

    def _day_rows(self, day: date) -> int:
        if day in self.due.hashes:
            query = f"select count(*) from {self.kept} where connection = ? and change_date = ?"
            return single(self.sql, query, self.due.connection, day)
        return self.due.landed[day].rows if day in self.due.landed else 0

    def _count(self, relation: str, where: str = "true", *values: object) -> int:
        return single(self.sql, f"select count(*) from {relation} where connection = ? and {where}", self.due.connection, *values)

def single(sql: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> int:
    """The one number (or truth) that the query gives."""
    row = sql.execute(query, list(parameters)).fetchone()
    return row[0] if row else 0


def spans(counted: Sequence[tuple[date | None, int]]) -> Iterator[str]:
    """SQL conditions for some days after the other, by the number of rows of each; no readable day is a span of its own."""
    span, rows = list[date](), 0
    for day, count in counted:
        if day is None:
            yield "change_date is null"
            continue
        if span and rows + count > ROWS_AT_ONCE:
            yield f"change_date between date '{span[0]}' and date '{span[-1]}'"
            span, rows = [], 0
        span.append(day)
        rows += count
    if span:
        yield f"change_date between date '{span[0]}' and date '{span[-1]}'"
