"""Gate 1: decides for each staged row whether it lands, and for each connection whether its pull may land at all.

Data flow, in one private DuckDB file per run:
  staged Parquet -> `raw_<table>` -> newest file wins, repeats dropped -> `now_<table>` (days that are due)
  -> row rules -> `rejected` (with rule and reason; an order falls with its line) -> `facts` (one row per connection and table)
  -> batch rules. What passes is handed to `landing.py` as Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import duckdb
import pyarrow as pa

from pipelines.quality.gate import Gate, RuleResult
from pipelines.quality.landing import BATCH_RULES, LARGEST_SHRINK, LARGEST_UNPARSED, SMALLEST_VOLUME_FLOOR, row_rules
from pipelines.quality.landing import LARGEST_QUARANTINE as SHARE
from pipelines.sources.connection import FileConnection
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pull import STAGED, Pulled, money_column
from pipelines.sources.schema import PROVENANCE, Table
from pipelines.store import EXTRACTOR, QUARANTINE_SCHEMA, Day, Store

FEW = 10  # below this many rows a day's volume says nothing
FEW_QUARANTINED = 3  # so many rows may be held back in however small a batch


@dataclass(frozen=True)
class Window:
    """The days asked for, both included."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


@dataclass
class Due:
    """The days of one connection and table that this run looks at: `changed` ones are replaced, the last one is checked anyway."""

    table: Table
    connection: str
    hashes: dict[date, str]
    changed: set[date]
    looked_at: set[date]
    landed: dict[date, Day]


class Door:
    """The staged pulls of one run."""

    def __init__(self, stage: Path, store: Store, pulls: Sequence[Pulled], window: Window, accept_shrink: bool = False) -> None:
        self.stage = stage
        self.store = store
        self.pulls = pulls
        self.window = window
        self.accept_shrink = accept_shrink
        self.database = stage / "door.duckdb"
        self.due: dict[tuple[str, str], Due] = {}  # by table id and connection
        self.counts: dict[tuple[str, str], dict[str, int]] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def sql(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened when needed: DuckDB lets either one writer or the gate's readers have the file."""
        if self._connection is None:
            self._connection = duckdb.connect(str(self.database))
        return self._connection

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def tables(self) -> list[Table]:
        """The tables that any pulled connection may land."""
        ids = dict.fromkeys((pulled.connection.source, name) for pulled in self.pulls for name in pulled.connection.tables)
        return [contract_table(*key) for key in ids]

    def judge(self) -> dict[str, list[RuleResult]]:
        """Work everything out; the results of every check by table id."""
        for table in self.tables():
            self._stage(table)
        self.close()
        results = self._check_rows()
        self._cascade()
        self._facts()
        self.close()
        with Gate(self.database) as gate:
            for table in self.tables():
                results[table.id] = [*gate.check(f"facts_{table.id}", ("batch",), BATCH_RULES, may_be_empty=False), *results[table.id]]
        return results

    def blocked(self) -> dict[str, str]:
        """Connections whose pull may not land, with the reasons."""
        reasons: dict[str, list[str]] = {}
        fields = "read_error, type_error, unknown_value, conflicting_key, volume_error, shrink_error"
        query = f"""
            select connection, source_table, concat_ws('; ', {fields},
              case when excess_quarantined > 0 then quarantined_rows || ' of ' || checked_rows || ' rows are held back' end,
              case when rows_lost <> 0 then rows_lost || ' rows are unaccounted for' end,
              case when abs(money_lost) > 0.00005 then money_lost || ' in money is unaccounted for' end) as why
            from facts order by source_table"""
        for connection, table, why in self.sql.execute(query).fetchall():
            if why:
                lines = reasons.setdefault(connection, [])
                if not any(why in line for line in lines):  # an unreadable source says the same for each of its tables
                    lines.append(f"{table}: {why}")
        return {connection: "; ".join(lines) for connection, lines in reasons.items()}

    def passed_rows(self, due: Due) -> pa.Table:
        """The rows of the changed days that no rule rejected, in the contract's schema."""
        columns = ", ".join(f'"{name}"' for name in due.table.schema.names)
        query = f"""select {columns} from "now_{due.table.id}" as now where connection = ? and change_date = any(?)
            and not exists (select 1 from rejected where source_table = ? and rejected._id = now._id)"""
        rows = self.sql.execute(query, [due.connection, sorted(due.changed), due.table.id]).to_arrow_table()
        return rows.cast(due.table.schema)

    def held_back(self, due: Due) -> pa.Table:
        """The quarantined rows of the days looked at and of no readable day, in the quarantine's schema."""
        names = ", ".join(f"{name} := {name}" for name in due.table.schema.names if name not in PROVENANCE)
        query = f"""
            select r.source_table, now.connection, now.change_date, now.source_record_id as key, r.rule, r.reason,
              to_json(struct_pack({names}))::varchar as row_json, now.batch_id
            from rejected as r join "now_{due.table.id}" as now using (_id)
            where r.source_table = ? and now.connection = ? and (now.change_date is null or now.change_date = any(?))"""
        rows = self.sql.execute(query, [due.table.id, due.connection, sorted(due.looked_at)]).to_arrow_table()
        return rows.cast(QUARANTINE_SCHEMA)

    def duplicates_per_day(self, due: Due) -> dict[date, int]:
        """Rows dropped because a newer file or another row says the same."""
        query = f"""select change_date, count(*) from "raw_{due.table.id}" where connection = ? and change_date is not null
            and _id not in (select _id from "kept_{due.table.id}") group by change_date"""
        return dict(self.sql.execute(query, [due.connection]).fetchall())

    # -- staging ---------------------------------------------------------------------------------------------------------------

    def _stage(self, table: Table) -> None:
        """Make raw_ and now_ of one table, and decide which days are due."""
        files = sorted((self.stage / table.id).glob("*.parquet"))
        source = f"read_parquet({[str(file) for file in files]})" if files else self._nothing(table)
        self.sql.execute(f'create table "raw_{table.id}" as select *, row_number() over () as _id from {source}')
        whole = table.document in table.key
        record = ["connection", "change_date", *([str(table.document)] if whole else table.key)]
        content = [name for name in table.schema.names if name not in PROVENANCE]
        # md5 of the whole row would be exact, too; hash() is 20 times faster and only has to notice a change.
        self.sql.execute(f"""
            create table "kept_{table.id}" as
            with newest as (
              select * from "raw_{table.id}"
              qualify change_date is null or _age = max(_age) over (partition by {", ".join(record)})
            )
            select *, hash({", ".join(content)}, _unparsed) as _hash from newest
            qualify row_number() over (partition by {", ".join(content)}, _unparsed order by _id) = 1""")
        hashes: dict[str, dict[date, str]] = {}
        query = f'select connection, change_date, sum(_hash::hugeint)::varchar from "kept_{table.id}" where change_date is not null group by all'
        for connection, day, value in self.sql.execute(query).fetchall():
            hashes.setdefault(connection, {})[day] = f"{EXTRACTOR}:{value}"
        self.sql.execute(f'create table "now_{table.id}" as select * from "kept_{table.id}" limit 0')
        for pulled in self.pulls:
            if table.source == pulled.connection.source and table.name in pulled.connection.tables:
                self._decide(table, pulled, hashes.get(pulled.connection.name, {}))

    def _nothing(self, table: Table) -> str:
        columns = ", ".join(f'null::{_duckdb_type(field.type)} as "{field.name}"' for field in table.schema)
        return f"(select {columns}, {', '.join(f'null::{_duckdb_type(type_)} as {name}' for name, type_ in STAGED)} limit 0)"

    def _decide(self, table: Table, pulled: Pulled, hashes: dict[date, str]) -> None:
        name = pulled.connection.name
        landed = self.store.days(table, name)
        # A drop folder is the whole truth about its days: a late file changes days outside the window, and they land as well.
        late = isinstance(pulled.connection, FileConnection)
        changed = {
            day for day, value in hashes.items()
            if (day in self.window or (late and day <= self.window.end)) and (day not in landed or landed[day].hash != value)
        }
        changed |= {day for day, entry in landed.items() if day in self.window and entry.rows + entry.quarantined and day not in hashes}
        if pulled.error:
            changed = set()
        looked_at = changed | {self.window.end}
        self.due[(table.id, name)] = Due(table, name, hashes, changed, looked_at, landed)
        self.sql.execute(
            f'insert into "now_{table.id}" select * from "kept_{table.id}" where connection = ? and (change_date is null or change_date = any(?))',
            [name, sorted(looked_at)],
        )

    # -- rows ------------------------------------------------------------------------------------------------------------------

    def _check_rows(self) -> dict[str, list[RuleResult]]:
        results: dict[str, list[RuleResult]] = {}
        with Gate(self.database) as gate:
            for table in self.tables():
                results[table.id] = gate.check(f"now_{table.id}", ("_id",), row_rules(table), may_be_empty=True)
        self.sql.execute("create table rejected (source_table varchar, _id bigint, rule varchar, reason varchar)")
        for table in self.tables():
            for result in results[table.id]:
                if result.failed and result.query:
                    self._reject(table, result)
                    result.failing = self._record_ids(table, result)
        return results

    def _reject(self, table: Table, result: RuleResult) -> None:
        """Note every row that fails the rule, with its values and place; the first rule a row fails gives its reason."""
        shown = [column for column in result.rule.columns]
        values = "_unparsed" if shown == ["_unparsed"] else (
            f"""concat('{result.rule.why}, found ', {", ', ', ".join(f"coalesce({column}::varchar, 'nothing')" for column in shown)}, ' (', _file, ' row ', _row, ')')"""
            if shown else f"concat('{result.rule.why}, found nothing (', _file, ' row ', _row, ')')"
        )
        self.sql.execute(
            f"""insert into rejected select ?, _id, ?, {values} from "now_{table.id}"
            where _id in (select _id from ({result.query})) and _id not in (select _id from rejected where source_table = ?)""",
            [table.id, result.rule.name, table.id],
        )

    def _record_ids(self, table: Table, result: RuleResult) -> list[str]:
        query = f'select source_record_id from "now_{table.id}" where _id in (select _id from ({result.query})) order by _id limit 5'
        return [str(key) for (key,) in self.sql.execute(query).fetchall()]

    def _cascade(self) -> None:
        """An order without one of its lines would be a wrong order: rows of one document are held back together."""
        documents = [table for table in self.tables() if table.document]
        if not documents:
            return
        union = " union all ".join(
            f"""select '{table.source}' as source, '{table.id}' as source_table, _id, connection, change_date, "{table.document}" as document
                from "now_{table.id}" where "{table.document}" is not null""" for table in documents
        )
        self.sql.execute(f"""
            insert into rejected
            with members as ({union}),
            fallen as (
              select distinct m.source, m.connection, m.change_date, m.document from members as m join rejected as r using (source_table, _id)
            )
            select m.source_table, m._id, 'document', 'belongs to ' || m.document || ', of which another row is held back'
            from members as m join fallen using (source, connection, change_date, document)
            where not exists (select 1 from rejected as r where r.source_table = m.source_table and r._id = m._id)""")

    # -- batches ---------------------------------------------------------------------------------------------------------------

    def _facts(self) -> None:
        """One row of facts per connection and table; what is wrong is a sentence, what is right is null."""
        self.sql.execute("""
            create table facts (batch varchar, source_table varchar, connection varchar, read_error varchar, type_error varchar,
              unknown_value varchar, conflicting_key varchar, volume_error varchar, shrink_error varchar, checked_rows bigint,
              quarantined_rows bigint, excess_quarantined bigint, rows_lost bigint, money_lost double)""")
        for (table_id, name), due in self.due.items():
            pulled = next(pulled for pulled in self.pulls if pulled.connection.name == name)
            counts = self._counts(due, pulled)
            self.counts[(table_id, name)] = counts
            excess = counts["quarantined"] - max(FEW_QUARANTINED, int(SHARE * counts["checked"]))
            self.sql.execute("insert into facts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [
                f"{name}: {table_id}", table_id, name,
                str(pulled.error) if pulled.error else None,
                None if pulled.error else self._type_error(due),
                None if pulled.error else self._unknown_value(due),
                None if pulled.error else self._conflicting_key(due),
                None if pulled.error else self._volume_error(due, pulled),
                None if pulled.error else self._shrink_error(due),
                counts["checked"], counts["quarantined"], max(0, excess), counts["lost"], self._money_lost(due, pulled),
            ])
        for table in self.tables():
            self.sql.execute(f"create view \"facts_{table.id}\" as select * from facts where source_table = '{table.id}'")

    def _counts(self, due: Due, pulled: Pulled) -> dict[str, int]:
        read = 0 if pulled.error else pulled.rows.get(due.table.name, 0)
        raw, kept = (self._one(f'select count(*) from "{kind}_{due.table.id}" where connection = ?', due.connection) for kind in ("raw", "kept"))
        checked = self._one(f'select count(*) from "now_{due.table.id}" where connection = ?', due.connection)
        quarantined = self._one(
            f'select count(*) from "now_{due.table.id}" as now join rejected as r on r._id = now._id and r.source_table = ? where now.connection = ?',
            due.table.id, due.connection,
        )
        landing = self._one(
            f'select count(*) from "now_{due.table.id}" as now where connection = ? and change_date is not null '
            "and _id not in (select _id from rejected where source_table = ?)", due.connection, due.table.id,
        )
        not_due = self._one(
            f'select count(*) from "kept_{due.table.id}" where connection = ? and _id not in (select _id from "now_{due.table.id}")', due.connection
        )
        duplicates = raw - kept
        return {
            "read": read, "checked": checked, "quarantined": quarantined, "duplicates": duplicates, "landing": landing,
            "lost": read - landing - quarantined - duplicates - not_due,
        }

    def _money_lost(self, due: Due, pulled: Pulled) -> float:
        column = money_column(due.table)
        if column is None or pulled.error:
            return 0.0
        query = f"""select coalesce(sum({column}), 0) from "raw_{due.table.id}" where connection = ?"""
        return float(pulled.money.get(due.table.name, 0)) - float(self._one(query, due.connection))

    def _type_error(self, due: Due) -> str | None:
        """A column of which more than a tenth, or all, can no longer be read has changed its type."""
        query = f"""
            with cells as (
              select unnest(string_split(_unparsed, '; ')) as cell from "now_{due.table.id}" where connection = ? and _unparsed is not null
            )
            select split_part(cell, ':', 1), count(*), min(cell) from cells where cell like '%: %' group by 1 order by 2 desc"""
        checked = self._one(f'select count(*) from "now_{due.table.id}" where connection = ?', due.connection)
        for column, count, first in self.sql.execute(query, [due.connection]).fetchall():
            filled = self._one(f'select count("{column}") from "now_{due.table.id}" where connection = ?', due.connection) if (
                column in due.table.schema.names) else checked
            if (count > 1 and filled == 0) or (count > FEW_QUARANTINED and count > LARGEST_UNPARSED * checked):
                return f"{count} of {checked} cells of a column cannot be read, first {first}"
        return None

    def _unknown_value(self, due: Due) -> str | None:
        for column in due.table.columns:
            if column.enum:
                query = f"""select "{column.name}", _file, _row from "now_{due.table.id}"
                    where connection = ? and "{column.name}" is not null and not list_contains(?, "{column.name}") order by _id limit 1"""
                found = self.sql.execute(query, [due.connection, list(column.enum)]).fetchone()
                if found:
                    return f"{column.name} has the unknown value {found[0]!r} ({found[1]} row {found[2]}); known are {', '.join(column.enum)}"
        return None

    def _conflicting_key(self, due: Due) -> str | None:
        # Snapshots key on a personal id or a day: the values are pseudonyms or source ids, never names.
        key = ", ".join(f'"{name}"' for name in dict.fromkeys(("change_date", *due.table.key)))
        query = f"""select source_record_id, list(_row order by _row)[:5], any_value(_file) from "now_{due.table.id}"
            where connection = ? and change_date is not null group by source_record_id, {key} having count(*) > 1 order by 1 limit 1"""
        found = self.sql.execute(query, [due.connection]).fetchone()
        return f"record {found[0]} occurs more than once with different content ({found[2]} rows {', '.join(map(str, found[1]))})" if found else None

    def _volume_error(self, due: Due, pulled: Pulled) -> str | None:
        """The last day against the median of the same weekday in the four weeks before."""
        if not (due.table.is_daily and getattr(pulled.connection, "daily", True)):
            return None
        end = self.window.end
        past = [self._day_rows(due, end - timedelta(days=7 * week)) for week in range(1, 5)]
        usual, now = median(past), self._day_rows(due, end)
        if usual >= FEW and now < SMALLEST_VOLUME_FLOOR * usual:
            return f"{end} has {now} rows, that weekday usually {usual:g}; if the file is still to come, run again when it is there"
        return None

    def _day_rows(self, due: Due, day: date) -> int:
        if day in due.hashes:
            query = f'select count(*) from "kept_{due.table.id}" where connection = ? and change_date = ?'
            return self._one(query, due.connection, day)
        return due.landed[day].rows if day in due.landed and day != self.window.end else 0

    def _shrink_error(self, due: Due) -> str | None:
        if self.accept_shrink:
            return None
        for day in sorted(due.changed):
            before = due.landed[day].rows + due.landed[day].quarantined if day in due.landed else 0
            now = self._day_rows(due, day) if day in due.hashes else 0
            if before >= FEW and now < LARGEST_SHRINK * before:
                return f"{day} had {before} rows and would keep {now}; put the missing file back, or run with --accept-shrink"
        return None

    def _one(self, query: str, *parameters: object) -> int:
        row = self.sql.execute(query, list(parameters)).fetchone()
        return row[0] if row and row[0] is not None else 0


def _duckdb_type(type_: pa.DataType) -> str:
    names: Mapping[pa.DataType, str] = {
        pa.string(): "varchar", pa.int64(): "bigint", pa.float64(): "double", pa.bool_(): "boolean", pa.date32(): "date",
    }
    if pa.types.is_decimal(type_):
        return "decimal(18, 4)"
    return names.get(type_, "timestamptz")
