"""The floor: the models of one build as plain SQL, each once, in one DuckDB connection. No dbt, no tests, no contracts.

    python -m tests.bench.floor <home> <manifest.json> <new database file>

`manifest.json` is the one a whole build left in <home>/dbt: the SQL in it is that of a rebuild, not of an increment. Models in
Python run as they are; seeds are copied from <home>/warehouse.duckdb. Prints the seconds of each model as JSON, slowest first.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

Node = dict[str, Any]


def in_order(nodes: dict[str, Node]) -> Iterator[Node]:
    """Models and seeds, each after those it reads."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[Node]:
        if name in done or name not in nodes or nodes[name]["resource_type"] not in ("model", "seed"):
            return
        done.add(name)
        for parent in nodes[name]["depends_on"].get("nodes", ()):
            yield from visit(parent)
        yield nodes[name]

    for name in sorted(nodes):
        yield from visit(name)


def build(home: Path, manifest: Path, database: Path) -> dict[str, float]:
    """Make every table of `manifest` in `database`; the seconds each took."""
    nodes = json.loads(manifest.read_text())["nodes"]
    seconds: dict[str, float] = {}
    with duckdb.connect() as sql:
        sql.execute(f"attach '{database}' as warehouse; attach '{home / 'warehouse.duckdb'}' as built (read_only); use warehouse")
        for node in in_order(nodes):
            began = time.perf_counter()
            if node["resource_type"] == "seed":
                sql.execute(f"create table {node['relation_name']} as from built.main.{node['name']}")
            elif node["language"] == "python":
                scope: dict[str, Any] = {}
                exec(node["compiled_code"], scope)
                result = scope["model"](scope["dbtObj"](sql.table), sql)  # a frame or an Arrow table, found by its name
                sql.execute(f"create table {node['relation_name']} as from result")
                del result
            else:
                sql.execute(f"create table {node['relation_name']} as {node['compiled_code']}")
            seconds[node["name"]] = time.perf_counter() - began
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(json.dumps(build(*map(Path, sys.argv[1:])), indent=1))
