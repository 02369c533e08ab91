"""Gate 1: decides for each staged row whether it lands, and for each connection whether its pull may land at all.

Data flow, in one private DuckDB file per run:
  staged Parquet, seen as `raw_<table>` -> newest file wins, repeats dropped -> `kept_<table>`, in the order of its days
  -> seen as `now_<table>` (days that are due)
  -> row rules -> `rejected` (with rule and reason; an order falls with its line) -> `facts` (one row per connection and table)
  -> batch rules. What passes is handed to `landing.py` as Arrow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import batch_facts
from pipelines.batch_facts import BatchFacts, Counts, Due, single, spans
from pipelines.quality.gate import Gate, RuleResult
from pipelines.quality.landing import batch_rules, row_rules
from pipelines.sources.connection import Connection, FileConnection, Window
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pull import STAGED, Pulled
from pipelines.sources.schema import PROVENANCE, Table
from pipelines.store import EXTRACTOR, QUARANTINE_SCHEMA, Store

MEMORY_AT_THE_END = "160MB"
MEMORY = "320MB"  # of DuckDB; what does not fit goes to a file beside the database
OF_DAYS = "now.change_date between ? and ? and now.change_date = any(?)"  # the ends let DuckDB pass over other days' rows


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
        self.counts: dict[tuple[str, str], Counts] = {}
        self._unguarded: dict[str, str] = {}  # why the rows of a table could not be judged
        self._hashes: dict[tuple[str, str], dict[date, str]] = {}  # of the rows of each day, as pulled
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def sql(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened when needed: DuckDB lets either one writer or the gate's readers have the file."""
        if self._connection is None:
            self._connection = duckdb.connect(str(self.database), config={"memory_limit": MEMORY})
            self.store.attach(self._connection)
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

    def sort(self) -> None:
        """Find out which rows are the newest and which days are due; no rule has been asked yet."""
        for table in self.tables():
            self._stage(table)
        self._decide()
        self.sql.execute("create table rejected (source_table varchar, _id bigint, rule varchar, reason varchar)")

    def judge(self) -> dict[str, list[RuleResult]]:
        """Work everything out; the results of every check by table id."""
        self.sort()
        self.close()
        results = self._check_rows()
        self._unguarded = {
            id_: f"the check {result.rule.name} did not run: {result.detail}"
            for id_, checks in results.items()
            for result in checks
            if not result.passed and not result.query
        }
        self._cascade()
        self._facts()
        self.close()
        with Gate(self.database, MEMORY) as gate:
            for table in self.tables():
                results[table.id] = [
                    *gate.check(f"facts_{table.relation}", ("batch",), batch_rules(table), may_be_empty=False),
                    *results[table.id],
                ]
        # What is left is to hand over some days at a time, and then Arrow's memory comes on top.
        self.sql.execute(f"set memory_limit = '{MEMORY_AT_THE_END}'")
        return results

    def blocked(self) -> dict[str, str]:
        """Connections whose pull may not land, with the reasons."""
        reasons: dict[str, list[str]] = {}
        fields = "type_error, unknown_value, conflicting_key, volume_error, shrink_error"
        query = f"""
            select connection, source_table, read_error, concat_ws('; ', {fields},
              case when excess_quarantined > 0 then quarantined_rows || ' of ' || checked_rows || ' rows are held back' end,
              case when rows_lost <> 0 then rows_lost || ' rows are unaccounted for' end,
              case when abs(money_lost) > 0.00005 then money_lost || ' in money is unaccounted for' end) as why
            from facts order by source_table"""
        for connection, table, unreadable, wrong in self.sql.execute(query).fetchall():
            why = "; ".join(filter(None, (wrong, self._unguarded.get(table))))
            if unreadable:
                reasons[connection] = [unreadable]
            elif why:
                reasons.setdefault(connection, []).append(f"{table}: {why}")
        return {connection: "; ".join(lines) for connection, lines in reasons.items()}

    def passed_rows(self, due: Due, days: Collection[date]) -> pa.Table:
        """The rows of these days that no rule rejected, in the contract's schema."""
        columns = ", ".join(f'"{name}"' for name in due.table.schema.names)
        query = f"""select {columns} from "now_{due.table.relation}" as now where connection = ? and {OF_DAYS}
            and not exists (select 1 from rejected where source_table = ? and rejected._id = now._id)"""
        values = [due.connection, *_of_days(days), due.table.id]
        return self.sql.execute(query, values).to_arrow_table().cast(due.table.schema)

    def held_back(self, due: Due, days: Collection[date]) -> pa.Table:
        """The quarantined rows of these days, in the quarantine's schema."""
        return self._held_back(due, OF_DAYS, _of_days(days))

    def held_back_undated(self, due: Due) -> pa.Table:
        """The quarantined rows of no readable day, in the quarantine's schema."""
        return self._held_back(due, "now.change_date is null", [])

    def _held_back(self, due: Due, where: str, values: list[object]) -> pa.Table:
        if not self.counts[(due.table.id, due.connection)].quarantined:
            return QUARANTINE_SCHEMA.empty_table()
        names = ", ".join(f'"{name}" := now."{name}"' for name in due.table.schema.names if name not in PROVENANCE)
        query = f"""
            select r.source_table, now.connection, now.change_date, now.source_record_id as key, r.rule, r.reason,
              to_json(struct_pack({names}))::varchar as row_json, now.batch_id
            from rejected as r join "now_{due.table.relation}" as now using (_id)
            where r.source_table = ? and now.connection = ? and {where}"""
        rows = self.sql.execute(query, [due.table.id, due.connection, *values]).to_arrow_table()
        return rows.cast(QUARANTINE_SCHEMA)

    def judged_per_day(self, due: Due) -> dict[date, tuple[int, int]]:
        """Rows of each day that land, and that are held back."""
        query = f"""select change_date, count(*) - count(r._id), count(r._id)
            from "now_{due.table.relation}" as now left join rejected as r on r._id = now._id and r.source_table = ?
            where connection = ? and change_date is not null group by change_date"""
        found = self.sql.execute(query, [due.table.id, due.connection]).fetchall()
        return {day: (landed, held_back) for day, landed, held_back in found}

    def duplicates_per_day(self, due: Due) -> dict[date, int]:
        """Rows dropped because a newer file or another row says the same."""
        kept, raw = (
            f"""select change_date, count(*) as n from "{kind}_{due.table.relation}"
            where connection = ? and change_date is not null group by change_date"""
            for kind in ("kept", "raw")
        )
        query = f"""select change_date, raw.n - coalesce(kept.n, 0) as dropped
            from ({raw}) as raw left join ({kept}) as kept using (change_date) where dropped > 0"""
        return dict(self.sql.execute(query, [due.connection, due.connection]).fetchall())

    # -- staging ---------------------------------------------------------------------------------------------------------------

    def _stage(self, table: Table) -> None:
        """Make raw_ and kept_ of one table, and note what each day holds."""
        raw, kept = f'"raw_{table.relation}"', f'"kept_{table.relation}"'
        self.sql.execute(f"create view {raw} as {self._staged(table)}")
        whole = table.document in table.key
        record = [str(table.document)] if whole else table.key
        content = ", ".join([*(name for name in table.schema.names if name not in PROVENANCE), "_unparsed"])
        # A row of no readable record replaces none, and none replaces it.
        loose = " or ".join(f"{name} is null" for name in ("change_date", *record))
        no_key = " or ".join(f"{name} is null" for name in table.key)
        newest = f"""{loose} or _age = max(_age) over (partition by connection, change_date, {", ".join(record)})"""
        # A live source may give a record twice, in other words the second time: its list moved while it was read.
        latest = f"""_seen is null or {loose} or {no_key} or row_number() over (
            partition by connection, change_date, {", ".join(table.key)} order by updated_at desc, _seen desc, _id) = 1"""
        told_once = f"""select not exists (
            select connection from {raw} group by connection having min(_age) <> max(_age) or count(_seen) > 0)"""
        is_told_once = single(self.sql, told_once)
        # md5 of the whole row would be exact, too; hash() is 20 times faster and only has to notice a change.
        self.sql.execute(f"create table {kept} as select *, hash(1) as _hash from {raw} limit 0")
        counted = self.sql.execute(f"select change_date, count(*) from {raw} group by all order by 1").fetchall()
        # Every partition lies in one day, so the windows need never hold more than some days at a time.
        for days in spans(counted):
            rows = f"select * from {raw} where {days}"
            if not is_told_once:
                rows = f"select * from ({rows} qualify {newest}) qualify {latest}"
            self.sql.execute(f"insert into {kept} select *, hash({content}) from ({rows})")
            again = f"select _hash from {kept} where {days} group by _hash having count(*) > 1"
            if self.sql.execute(again).fetchone():
                places = f"""select _id, row_number() over (partition by {content} order by _id) as place
                    from {kept} where {days} and _hash in ({again})"""
                repeats = f"select _id from ({places}) where place > 1"
                self.sql.execute(f"delete from {kept} where {days} and _id in ({repeats})")
        query = f"""select connection, change_date, sum(_hash::hugeint)::varchar from {kept}
            where change_date is not null group by all"""
        for connection, day, value in self.sql.execute(query).fetchall():
            self._hashes.setdefault((table.id, connection), {})[day] = value

    def _staged(self, table: Table) -> str:
        """SQL: the staged rows as they lie in their files, numbered in one count."""
        parts, before = [], 1
        for file in sorted((self.stage / table.id).glob("*.parquet")):
            name = str(file).replace("'", "''")
            rows = f"read_parquet('{name}', file_row_number = true)"
            parts.append(f"select * exclude (file_row_number), file_row_number + {before} as _id from {rows}")
            before += pq.read_metadata(file).num_rows
        if parts:
            return " union all ".join(parts)
        columns = ", ".join(f'null::{_duckdb_type(field.type)} as "{field.name}"' for field in table.schema)
        staged = ", ".join(f"null::{_duckdb_type(type_)} as {name}" for name, type_ in STAGED)
        return f"select {columns}, {staged}, 0::bigint as _id limit 0"

    def _decide(self) -> None:
        """Find the days of each connection and table that are due, and make now_ of them."""
        for table in self.tables():
            kept, due = f'"kept_{table.relation}"', f'"due_{table.relation}"'
            self.sql.execute(f"create table {due} (connection varchar, change_date date)")
            self.sql.execute(
                f"""create view "now_{table.relation}" as select kept.*, {_missing(table)} as _missing from {kept} as kept
                semi join {due} as due on kept.connection = due.connection
                  and kept.change_date is not distinct from due.change_date"""
            )
            for pulled in self.pulls:
                if table.source == pulled.connection.source and table.name in pulled.connection.tables:
                    self._decide_days(table, pulled)

    def _decide_days(self, table: Table, pulled: Pulled) -> None:
        name = pulled.connection.name
        hashes = self._day_hashes(table, pulled.connection)
        landed = self.store.days(table, name)
        # A drop folder is the whole truth about its days: a late file changes days outside the window, and they land as well.
        late = isinstance(pulled.connection, FileConnection)
        window = pulled.window or self.window
        changed = {
            day
            for day, value in hashes.items()
            if (day in window or (late and day <= window.end)) and (day not in landed or landed[day].hash != value)
        }
        changed |= {
            day for day, entry in landed.items() if day in window and entry.rows + entry.quarantined and day not in hashes
        }
        # What a source shows only as it is now was landed on its day or never: another day's pull says nothing of it.
        if table.name in pulled.readings:
            changed &= pulled.readings[table.name]
        if pulled.error:
            changed = set()
        looked_at = changed | {self.window.end}
        self.due[(table.id, name)] = Due(table, name, hashes, changed, looked_at, landed)
        self.sql.execute(f'insert into "due_{table.relation}" select ?, unnest(?::date[])', [name, [None, *sorted(looked_at)]])

    def _day_hashes(self, table: Table, connection: Connection) -> dict[date, str]:
        """The hash of each day. Rows of one document fall together, so a change in one of its tables is a change in all."""
        own = [contract_table(table.source, name) for name in connection.tables]
        family = [other for other in own if other.document] if table.document else [table]
        parts = [self._hashes.get((other.id, connection.name), {}) for other in family]
        days = self._hashes.get((table.id, connection.name), {})
        return {day: ":".join([EXTRACTOR, *(part.get(day, "") for part in parts)]) for day in days}

    # -- rows ------------------------------------------------------------------------------------------------------------------

    def _check_rows(self) -> dict[str, list[RuleResult]]:
        results: dict[str, list[RuleResult]] = {}
        with Gate(self.database, MEMORY) as gate:
            for table in self.tables():
                results[table.id] = gate.check(f"now_{table.relation}", ("_id",), row_rules(table), may_be_empty=True)
        for table in self.tables():
            for result in results[table.id]:
                if result.failed and result.query:
                    self._reject(table, result)
                    result.failing = self._record_ids(table, result)
        return results

    def _reject(self, table: Table, result: RuleResult) -> None:
        """Note every row that fails the rule, with its values and place; the first rule a row fails gives its reason."""
        found = ", ', ', ".join(f"{column}::varchar" for column in result.rule.columns)
        place = "' (', _file, ' row ', _row, ')'"
        values = {
            "parsed": f"concat(_unparsed, {place})",
            "required": f"concat('nothing in ', _missing, {place})",
        }.get(result.rule.name, f"concat('{result.rule.why}, found ', {found}, {place})")
        self.sql.execute(
            f"""insert into rejected select ?, _id, ?, {values} from "now_{table.relation}"
            where _id in (select _id from ({result.query})) and _id not in (select _id from rejected where source_table = ?)""",
            [table.id, result.rule.name, table.id],
        )

    def _record_ids(self, table: Table, result: RuleResult) -> list[str]:
        query = f"""select source_record_id from "now_{table.relation}"
            where _id in (select _id from ({result.query})) order by _id limit 5"""
        return [str(key) for (key,) in self.sql.execute(query).fetchall()]

    def _cascade(self) -> None:
        """An order without one of its lines would be a wrong order: rows of one document are held back together."""
        documents = [table for table in self.tables() if table.document]
        if not documents or not single(self.sql, "select count(*) from rejected"):
            return
        union = " union all ".join(
            f"""select '{table.source}' as source, '{table.id}' as source_table, _id, connection, change_date,
                "{table.document}" as document
                from "now_{table.relation}" where "{table.document}" is not null"""
            for table in documents
        )
        self.sql.execute(f"""
            insert into rejected
            with members as ({union}),
            fallen as (
              select distinct m.source, m.connection, m.change_date, m.document
              from members as m join rejected as r using (source_table, _id)
            )
            select m.source_table, m._id, 'document', 'belongs to ' || m.document || ', of which another row is held back'
            from members as m join fallen using (source, connection, change_date, document)
            where not exists (select 1 from rejected as r where r.source_table = m.source_table and r._id = m._id)""")

    def _facts(self) -> None:
        """One row of facts per connection and table; what is wrong is a sentence, what is right is null."""
        self.sql.execute(batch_facts.CREATE)
        pulls = {pulled.connection.name: pulled for pulled in self.pulls}
        for key, due in self.due.items():
            facts = BatchFacts(self.sql, due, pulls[due.connection], self.window, self.store)
            self.counts[key] = facts.insert(self.accept_shrink)
        for table in self.tables():
            self.sql.execute(f"""create view "facts_{table.relation}" as select * from facts where source_table = '{table.id}'""")


def _missing(table: Table) -> str:
    """SQL: names of the required columns a row lacks, or null."""
    cases = ", ".join(
        f"""case when "{column.name}" is null then '{column.name}' end""" for column in table.all_columns if column.required
    )
    return f"nullif(concat_ws(', ', {cases}), '')"


def _duckdb_type(type_: pa.DataType) -> str:
    names: Mapping[pa.DataType, str] = {
        pa.string(): "varchar",
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
        pa.date32(): "date",
    }
    if pa.types.is_decimal(type_):
        return "decimal(18, 4)"
    return names.get(type_, "timestamptz")


def _of_days(days: Collection[date]) -> list[object]:
    """The parameters of OF_DAYS."""
    return [min(days), max(days), sorted(days)]
