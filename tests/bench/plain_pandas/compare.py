"""Holds what pandas made against a warehouse, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

COLUMNS = "select column_name, data_type from duckdb_columns() where table_name = ? and database_name = current_database()"
NEAR = 1.5e-6  # figures are rounded to six decimals; a sum of floats, and so a tie, depends on the order of the rows


def differences(results: Path, warehouse: Path, *, is_part: bool = False) -> list[str]:
    """Tables of which a row is on one side only, with the number of such rows; columns that vary and were not made.

    A row is known by a hash of its columns in the warehouse's types, which must lose nothing of a value that is no amount; rows
    without a like are paired, each with one, if nothing but floats differ, by `NEAR` at most. Unless the results are only a part
    of the columns (`is_part`), a column that pandas did not make must say the same in all rows: the only shop, the only currency.
    """
    found = []
    with duckdb.connect(str(warehouse), read_only=True) as sql:
        sql.execute(f"set temp_directory = '{results / 'spilled'}'; set memory_limit = '4GB'")
        for file in sorted(results.glob("*.parquet")):
            table = file.stem
            columns = dict(sql.execute(COLUMNS, [table]).fetchall())
            made = {name: kind for name, kind, *_ in sql.execute(f"describe from '{file}'").fetchall()}
            found += [f"{table}: {name} is no column" for name in sorted(made.keys() - columns.keys())]
            left_out = [] if is_part else sorted(columns.keys() - made.keys())
            for name in left_out:
                values = sql.execute(f"select count(distinct {name}) + count(distinct {name} is null) from {table}").fetchall()
                if values[0][0] > 2:
                    found.append(f"{table}: {name} is missing")
            types = {name: kind for name, kind in columns.items() if name in made}
            for name, kind in types.items():
                lost = f"select 1 from '{file}' where {name}::{kind}::{made[name]} is distinct from {name} limit 1"
                if not kind.startswith(("DOUBLE", "DECIMAL")) and sql.execute(lost).fetchall():
                    found.append(f"{table}: {name} has values that are no {kind}")
            if count := _unlike(sql, table, f"'{file}'", types):
                found.append(f"{table}: {count} rows differ")
    return found


def _unlike(sql: duckdb.DuckDBPyConnection, table: str, file: str, types: dict[str, str]) -> int:
    """How many rows of the two sides have no like on the other one."""
    row = ", ".join(f"{name}::{kind}" for name, kind in types.items())
    sql.execute(f"""
        create or replace temp table unlike as
        select row, abs(sum(side)) as n, min(side) = max(side) as is_one_sided
        from (select hash({row}) as row, 1 as side from {table} union all select hash({row}), -1 from {file})
        group by row having sum(side) <> 0""")
    columns = ", ".join(f"{name}::{kind} as {name}" for name, kind in types.items())
    floats = [name for name, kind in types.items() if kind == "DOUBLE"]
    alike = [name for name in types if name not in floats]
    order = f"partition by {', '.join(alike) or 'true'} order by {', '.join(floats) or 'true'}"
    ours, theirs = (
        f"""(select *, row_number() over ({order}) as nth
        from (select {columns} from {side} where hash({row}) in (select row from unlike where is_one_sided)))"""
        for side in (table, file)
    )
    near = " and ".join(
        [f"ours.{name} is not distinct from theirs.{name}" for name in (*alike, "nth")]
        + [f"(abs(ours.{name} - theirs.{name}) <= {NEAR} or (ours.{name} is null and theirs.{name} is null))" for name in floats]
    )
    unlike = "select coalesce(sum(n), 0) from unlike"
    paired = f"select 2 * count(*) from {ours} as ours join {theirs} as theirs on {near}"
    return int(sql.execute(f"select ({unlike}) - ({paired})").fetchall()[0][0])


def share(results: Path, published: Mapping[str, int]) -> str:
    """How many of the tables `published`, and of their rows, pandas made."""
    made = [published[file.stem] for file in results.glob("*.parquet")]
    return f"{len(made)} of {len(published)} tables, {sum(made):,} of {sum(published.values()):,} rows"
