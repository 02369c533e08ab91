"""One pull of one connection: its frames, pseudonymised and typed, staged as Parquet.

Data flow: files or API -> `connection.read` -> `Frame` -> `Person` cells hashed, `Bad` cells set aside -> typed by the contract
-> <stage>/<source>.<table>/<connection>.parquet. What is staged holds no personal data; nothing is judged here (the door does).

A staged file has the contract's columns plus `_file` and `_row` (where a person finds the row), `_age` (0 = oldest file; of the
same record the newest file wins) and `_unparsed` (why a cell could not be read, else null).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.sources import files
from pipelines.sources.connection import Bad, Connection, FileConnection, Frame, Person, SourceError
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import COMMON, Column, Table
from pipelines.sources.sieve import Sieve

MONEY_STEP = Decimal("0.0001")
MONEY_LIMIT = Decimal(10) ** 14  # what DECIMAL(18, 4) holds
STAGED = (("_file", pa.string()), ("_row", pa.int64()), ("_age", pa.int64()), ("_unparsed", pa.string()))

# Mail addresses, phone numbers and long numbers; a date is none of them.
_PERSONAL = re.compile(r"\S+@\S+|(?<![\d/.-])[+(0][\d() -]{8,}\d|\d{10,}")


class Batch(NamedTuple):
    """The run that pulls: its id and the instant that all its rows carry as `landed_at`."""

    id: str
    landed_at: datetime


@dataclass
class Pulled:
    """What a pull left behind: rows and money read per table, or the error that ended it (then nothing of it may land)."""

    connection: Connection
    rows: dict[str, int] = field(default_factory=dict)
    money: dict[str, Decimal] = field(default_factory=dict)
    files: int = 0
    erased: int = 0  # rows left out because they are an erased person's; they are in no other count
    error: SourceError | None = None


def stage_schema(table: Table) -> pa.Schema:
    """Schema of a staged file: the contract's columns and where each row came from."""
    return pa.schema([*table.schema, *(pa.field(name, type_) for name, type_ in STAGED)])


def money_column(table: Table) -> str | None:
    """The column whose sum must be conserved from the source to the landing zone, where the table has one."""
    names = {column.name for column in table.columns}
    return next((name for name in ("amount", "total_amount") if name in names), None)


def pull(connection: Connection, stage: Path, pseudonymiser: Pseudonymiser, batch: Batch, sieve: Sieve | None = None) -> Pulled:
    """Read everything the connection has and stage it; a SourceError is kept in the result, not raised.

    What `sieve` catches is never staged.
    """
    pulled = Pulled(connection, rows=dict.fromkeys(connection.tables, 0))
    writers: dict[str, pq.ParquetWriter] = {}
    erased: dict[int, set[str]] = {}  # documents of each file: a newer file's order without a person keeps its lines
    try:
        for age, file, frame in frames(connection, pulled):
            table = contract_table(connection.source, frame.table)
            rows = typed(table, frame, connection, file, age, pseudonymiser, batch)
            if sieve is not None:
                read = rows.num_rows
                rows = sieve.sift(table, rows, erased.setdefault(age, set()))
                pulled.erased += read - rows.num_rows
            pulled.rows[table.name] += rows.num_rows
            if money := money_column(table):
                total = pc.sum(rows[money]).as_py() or Decimal(0)
                pulled.money[table.name] = pulled.money.get(table.name, Decimal(0)) + total
            if table.name not in writers:
                folder = stage / table.id
                folder.mkdir(parents=True, exist_ok=True)
                writers[table.name] = pq.ParquetWriter(folder / f"{connection.name}.parquet", stage_schema(table))
            writers[table.name].write_table(rows)
    except SourceError as error:
        pulled.error = error
    finally:
        for writer in writers.values():
            writer.close()
    if pulled.error:
        for name in writers:
            (stage / f"{connection.source}.{name}" / f"{connection.name}.parquet").unlink()
    return pulled


def frames(connection: Connection, pulled: Pulled) -> Iterator[tuple[int, str, Frame]]:
    """Every frame of every file, oldest first, with the file's age and name; counts the files. Raises SourceError."""
    if not isinstance(connection, FileConnection):
        raise TypeError(f"{connection.kind} reads no files")
    for age, path in enumerate(files.drop_files(connection.path, connection.pattern)):
        pulled.files += 1
        try:
            for sheet in files.read_sheets(path, **{"encoding": connection.encoding, **connection.read_options()}):
                for frame in connection.read(sheet):
                    yield age, sheet.file, frame
        except OSError as error:
            raise SourceError(f"{path.name}: {error.strerror}; check the file and the rights on it") from error
        except ArithmeticError as error:
            raise SourceError(f"{path.name}: a number is too large to calculate with; look for 15 digits or more") from error


def typed(
    table: Table, frame: Frame, connection: Connection, file: str, age: int, pseudonymiser: Pseudonymiser, batch: Batch
) -> pa.Table:
    """The frame as an Arrow table of `stage_schema`: persons hashed, unreadable cells null with the reason in `_unparsed`."""
    count = len(frame.rows)
    unparsed: list[list[str]] = [[] for _ in range(count)]
    row_numbers = frame.rows.index.tolist()
    arrays: dict[str, pa.Array] = {}
    for column in table.all_columns:
        if column.name not in frame.rows.columns:
            arrays[column.name] = pa.nulls(count, column.arrow.type)
            continue
        # pandas may hold a missing cell as NaN or NaT, which differ from themselves.
        values = [None if value != value else value for value in frame.rows[column.name].tolist()]
        for position, value in enumerate(values):
            if isinstance(value, Bad):
                raw = "***" if column.personal else masked(value.raw)
                unparsed[position].append(f"{column.name}: {value.column} {raw!r} {value.why}")
                values[position] = None
            elif column.type == "money" and value is not None and abs(value) >= MONEY_LIMIT:
                unparsed[position].append(f"{column.name}: {value} is too large for an amount of money")
                values[position] = None
        arrays[column.name] = _array(values, column, table, pseudonymiser)
    if "change_date" not in frame.rows.columns:
        local = pc.local_timestamp(arrays["updated_at"].cast(pa.timestamp("us", tz=connection.time_zone)))
        arrays["change_date"] = local.cast(pa.date32())
    arrays["connection"] = pa.array([connection.name] * count, pa.string())
    arrays["source_record_id"] = pc.binary_join_element_wise(
        *(pc.fill_null(arrays[name].cast(pa.string()), "") for name in table.key), "/"
    )
    arrays["landed_at"] = pa.array([batch.landed_at] * count, COMMON[5].arrow.type)
    arrays["batch_id"] = pa.array([batch.id] * count, pa.string())
    arrays["_file"] = pa.array([file] * count, pa.string())
    arrays["_row"] = pa.array(row_numbers, pa.int64())
    arrays["_age"] = pa.array([age] * count, pa.int64())
    arrays["_unparsed"] = pa.array(["; ".join(why) if why else None for why in unparsed], pa.string())
    schema = stage_schema(table)
    return pa.table([arrays[name] for name in schema.names], schema=schema)


def _array(values: list[Any], column: Column, table: Table, pseudonymiser: Pseudonymiser) -> pa.Array:
    if column.personal:
        values = [_pid(value, column, table, pseudonymiser) for value in values]
    elif any(isinstance(value, Person) for value in values):
        raise TypeError(f"{table.id}.{column.name} is not a personal column, yet it was given a person")
    if column.type == "money":
        values = [None if value is None else Decimal(value).quantize(MONEY_STEP, ROUND_HALF_UP) for value in values]
    return pa.array(values, column.arrow.type, from_pandas=True)


def _pid(value: Any, column: Column, table: Table, pseudonymiser: Pseudonymiser) -> str | None:
    """Hash a person; text may stand in a personal column only where the row itself says it is no person (`any`)."""
    if value is None or (isinstance(value, str) and column.personal == "any"):
        return value
    if not isinstance(value, Person) or column.personal not in (value.key, "any"):
        raise TypeError(f"{table.id}.{column.name} takes a {column.personal} person")
    return pseudonymiser.pid(value)


def masked(raw: str) -> str:
    """Enough of the value to find it, without what could name a person should a wrong column be mapped."""
    text = _PERSONAL.sub("***", unicodedata.normalize("NFKC", raw))
    return text if len(text) <= 40 else text[:37] + "..."
