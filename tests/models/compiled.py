"""The project's own SQL, as dbt compiled it, on landing rows made up by a test: every model and every dbt test, in memory."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import HealthCheck, Phase, settings

from pipelines.settings import PROJECT
from pipelines.sources.contract import TABLES

LANDED = re.compile(r"read_parquet\('[^']*/landing/(\w+)/(\w+)/[^)]*\)")
DAYS = re.compile(r"read_parquet\('[^']*/landed_days.parquet'\)")
Rows = Sequence[Mapping[str, Any]]
Day = tuple[str, str, date]  # source.table, connection, day of change

# A build takes a third of a second, so that shrinking would take minutes.
LAW = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


class Compiled:
    """The nodes of a compiled dbt project that `reports` and all tests of their ancestors need."""

    def __init__(self, target: Path, reports: Iterable[str]) -> None:
        self.nodes: dict[str, Any] = json.loads((target / "manifest.json").read_text())["nodes"]
        self.order: list[str] = []
        for report in reports:
            self._add(f"model.engagement.{report}")
        known = set(self.order)
        self.tests = [
            node
            for node in self.nodes.values()
            if node["resource_type"] == "test"
            and node["depends_on"]["nodes"]
            and all(parent in known or parent.startswith("source.") for parent in node["depends_on"]["nodes"])
            and "test_type:unit" not in node["tags"]
        ]

    def _add(self, name: str) -> None:
        if name in self.order or name not in self.nodes:
            return
        for parent in self.nodes[name]["depends_on"].get("nodes", ()):
            self._add(parent)
        self.order.append(name)

    def build(
        self, landing: Mapping[str, Rows], seeds: Mapping[str, Rows] | None = None, file: Path | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run every model on `landing`, rows by `source.table`, missing columns NULL; `seeds` replace the project's own.

        The tables are made in memory, or in `file`.
        """
        connection = duckdb.connect()
        where = file or ":memory:"
        connection.execute(f"set threads = 1; set timezone = 'UTC'; attach '{where}' as warehouse; use warehouse")
        self._land(connection, landing)
        for name in self.order:
            node = self.nodes[name]
            if node["resource_type"] == "seed":
                self._seed(connection, node, (seeds or {}).get(node["name"]))
            else:
                self._make(connection, node)
        return connection

    def build_on(self, connection: duckdb.DuckDBPyConnection, landing: Mapping[str, Rows], changed: Iterable[Day]) -> None:
        """Build again what `build` or this built, after the landing rows of the `changed` days became those of `landing`.

        The models must have been compiled beside a warehouse: then the SQL of the kept ones is that of an increment.
        """
        self._land(connection, landing, changed)
        for name in self.order:
            node = self.nodes[name]
            if node["resource_type"] == "seed":
                continue
            if node["config"]["materialized"] != "incremental":
                self._make(connection, node)
                continue
            table, key = node["relation_name"], node["config"]["unique_key"]
            changed_keys = next(one for one in self.nodes.values() if one["name"] == node["config"]["meta"]["changed"])
            same = " and ".join(f"kept.{column} = changed.{column}" for column in key)
            self._make(connection, node, "temp table anew")
            connection.execute(f"delete from {table} as kept using {changed_keys['relation_name']} as changed where {same}")
            connection.execute(f"insert into {table} by name from anew; drop table anew")

    def _land(self, connection: duckdb.DuckDBPyConnection, landing: Mapping[str, Rows], changed: Iterable[Day] = ()) -> None:
        connection.execute("create schema if not exists landing")
        for landed in TABLES:
            rows = pa.Table.from_pylist([_whole(row) for row in landing.get(landed.id, ())], schema=landed.schema)
            connection.register("rows_of_table", rows)
            connection.execute(f"create or replace table landing.{landed.relation} as select * from rows_of_table")
            connection.unregister("rows_of_table")
        days = [dict(zip(_DAYS.names, (*day, True), strict=True)) for day in changed]
        connection.register("rows_of_table", pa.Table.from_pylist(days, schema=_DAYS))
        connection.execute("create or replace table landing.days as select * from rows_of_table")
        connection.unregister("rows_of_table")

    def _make(self, connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], made: str | None = None) -> None:
        """Make the node's table, or the one that is to be `made`."""
        create = f"create {made}" if made else f"create or replace table {node['relation_name']}"
        if node["language"] == "python":
            scope: dict[str, Any] = {}
            exec(node["compiled_code"], scope)
            found = scope["model"](scope["dbtObj"](connection.table), connection)
            rows = found if isinstance(found, pa.Table) else pa.Table.from_pandas(found.astype(object), preserve_index=False)
            connection.register("rows_of_model", rows)
            connection.execute(f"{create} as select * from rows_of_model")
            connection.unregister("rows_of_model")
        else:
            connection.execute(f"{create} as {self._sql(node)}")

    def _sql(self, node: Mapping[str, Any]) -> str:
        return DAYS.sub("landing.days", LANDED.sub(r"landing.\1__\2", node["compiled_code"]))

    def failures(self, connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
        """The rows that the dbt tests return, by test; empty when all hold."""
        returned = {node["name"]: connection.execute(self._sql(node)).fetchmany(3) for node in self.tests}
        return {name: rows for name, rows in returned.items() if rows}

    def _seed(self, connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any], rows: Rows | None) -> None:
        if rows is None:
            with (PROJECT / "dbt_project" / node["original_file_path"]).open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        types: Mapping[str, str] = node["config"]["column_types"]
        columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"create table {node['relation_name']} ({columns})")
        if rows:
            places = ", ".join("?" * len(types))
            connection.executemany(
                f"insert into {node['relation_name']} values ({places})",
                [[row[name] if row[name] != "" else None for name in types] for row in rows],
            )


_DAYS = pa.schema(
    [("source_table", pa.string()), ("connection", pa.string()), ("change_date", pa.date32()), ("is_changed", pa.bool_())]
)


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what every landing table asks for: landed on its own day, at noon."""
    noon = datetime.combine(row["business_date"], time(12), UTC)
    landed = {"source_record_id": "1", "updated_at": noon, "landed_at": noon, "batch_id": "b"}
    return {"change_date": row["business_date"]} | landed | dict(row)
