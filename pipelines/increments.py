"""What changed in the landing zone since the warehouse was last built whole: a night builds only what follows from that.

<home>/warehouse.built marks a warehouse that is whole: which run and which project built it, which run each published table is
of, and the file as that run left it. The mark is gone while a build is under way, and after one that failed.
<home>/landed_days.parquet lists the landed days of the last build, each with a digest of its content; dbt reads there which
have changed since the build before. Days are compared by what they hold, not by when it came, so nothing can land behind a
watermark; and who builds holds the writer's lock, so nothing lands meanwhile. Without a mark, or with another project's, or
once somebody else has written into the warehouse, everything is built from nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.contract import TABLES
from pipelines.store import Store, write_private

MARK, DAYS, WAREHOUSE = "warehouse.built", "landed_days.parquet", "warehouse.duckdb"
# What each night says of itself, as no digest tells whether it changed: when days landed, what was held back. Other models read
# from the landed days only which rows of a table to build.
_EACH_NIGHT = ["model.engagement.stg_landing__days", "source.engagement.quarantine.rows"]

_LANDED = pa.schema(
    [
        pa.field("source_table", pa.string()),
        pa.field("connection", pa.string()),
        pa.field("change_date", pa.date32()),
        pa.field("is_daily", pa.bool_()),
        pa.field("rows_n", pa.int64()),
        pa.field("landed_at", pa.timestamp("us", "UTC")),
        pa.field("digest", pa.string()),
    ]
)
_COMPARED = """
    select source_table, connection, change_date, landed.is_daily, coalesce(landed.rows_n, 0) as rows_n, landed.landed_at,
        landed.digest, landed.digest is distinct from built.digest as is_changed
    from landed
    full outer join (select * from before where digest is not null) as built using (source_table, connection, change_date)
    order by all
"""


def built_by(home: Path) -> str | None:
    """The run that built the warehouse whole; None when it is not whole."""
    return _read_mark(home).get("run")


def runs_of_tables(home: Path) -> dict[str, str]:
    """By published table the run that built its rows: as long as it is the same run, they are the same."""
    tables: dict[str, str] = _read_mark(home).get("tables", {})
    return tables


def begin(home: Path, store: Store, project: str, *, is_renewed: bool = False) -> dict[str, str] | None:
    """Take the mark away and list the landed days for dbt.

    Of a warehouse that can be kept, so that only what changed is built anew, the runs of its tables; None when all is built from
    nothing. `project` names the state of the code that builds: what another one built is not kept, nor what was built before
    rows or keys were changed under it (`is_renewed`).
    """
    mark = _read_mark(home)
    is_as_left = (mark.get("project"), mark.get("warehouse")) == (project, _size_and_time(home / WAREHOUSE))
    is_kept = is_as_left and not is_renewed and (home / DAYS).exists()
    (home / MARK).unlink(missing_ok=True)
    landed = landed_days(store)
    temporary = home / f".{DAYS}.tmp"
    with duckdb.connect() as sql:
        sql.execute("set timezone = 'UTC'")
        before = pq.read_table(home / DAYS) if is_kept else landed.slice(0, 0)
        sql.register("landed", landed)
        sql.register("before", before)
        pq.write_table(sql.sql(_COMPARED).to_arrow_table(), temporary)
    temporary.replace(home / DAYS)
    return mark.get("tables", {}) if is_kept else None


def end(home: Path, run: str, project: str, tables: Mapping[str, str] | None = None) -> None:
    """Mark the warehouse as built whole by `run`; `tables` are the runs of its tables (see `runs_of_tables`)."""
    left = {"run": run, "project": project, "tables": dict(tables or {}), "warehouse": _size_and_time(home / WAREHOUSE)}
    write_private(home / MARK, json.dumps(left) + "\n")


def changed(home: Path) -> list[str]:
    """The unique ids in dbt from which everything follows that this night builds on top of the last build."""
    days = pq.read_table(home / DAYS, columns=["source_table"], filters=[("is_changed", "=", True)])
    return _EACH_NIGHT + [f"source.engagement.{table}" for table in sorted(set(days["source_table"].to_pylist()))]


def following(manifest: Mapping[str, Any], roots: Iterable[str]) -> set[str]:
    """The unique ids of the roots and of all that is made of them, tests too: what dbt selects by `root+`."""
    found: set[str] = set()
    ahead = list(roots)
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += manifest["child_map"].get(node, [])
    return found


def landed_days(store: Store) -> pa.Table:
    """The manifests of all landed files: source_table, connection, change_date, is_daily, rows_n, landed_at, digest."""
    rows: list[dict[str, Any]] = []
    for table in TABLES:
        for connection, days in store.manifests(table):
            rows += [
                {
                    "source_table": table.id,
                    "connection": connection,
                    "change_date": day,
                    "is_daily": table.is_daily,
                    "rows_n": entry.rows,
                    "landed_at": datetime.fromisoformat(entry.landed_at),
                    "digest": f"{entry.hash} {entry.rows} {entry.run} {entry.landed_at}",
                }
                for day, entry in days.items()
            ]
    return pa.Table.from_pylist(rows, _LANDED)


def _read_mark(home: Path) -> dict[str, Any]:
    """The mark; empty when there is none, or not one of this version."""
    try:
        mark = json.loads((home / MARK).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return mark if isinstance(mark, dict) else {}


def _size_and_time(file: Path) -> list[int] | None:
    state = file.stat() if file.exists() else None
    return [state.st_size, state.st_mtime_ns] if state else None
