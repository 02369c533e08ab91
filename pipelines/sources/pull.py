"""One pull of one connection: its frames, pseudonymised and typed, staged as Parquet.

Data flow: files or API -> `connection.read` -> `Frame` -> `Person` cells hashed, `Bad` cells set aside -> typed by the contract
-> <stage>/<source>.<table>/<connection>.parquet. What is staged holds no personal data; nothing is judged here (the door does).

A staged file has the contract's columns plus `_file` and `_row` (where a person finds the row), `_age` (of the same document the
greatest wins: the newest file's, or the newest state a live source gave), `_seen` (when a live source gave the row; null for
files) and `_unparsed` (why a cell could not be read, else null).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.sources import files, places
from pipelines.sources.blocks import in_blocks
from pipelines.sources.cells import factorized
from pipelines.sources.connection import Bad, Connection, FileConnection, Frame, Person, SourceError, Window
from pipelines.sources.contract import table as contract_table
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import TELL_EVERY, Clock
from pipelines.sources.limits import Paces
from pipelines.sources.live import LiveConnection, Page, reading_day
from pipelines.sources.masking import masked
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import COMMON, Column, Table
from pipelines.sources.sieve import Sieve

MONEY_STEP = Decimal("0.0001")
MONEY_LIMIT = Decimal(10) ** 14  # what DECIMAL(18, 4) holds
STAGED = (("_file", pa.string()), ("_row", pa.int64()), ("_age", pa.int64()), ("_seen", pa.int64()), ("_unparsed", pa.string()))
BUFFER = 10_000  # rows of a table held before they are written: pages of a few dozen would make thousands of row groups


class Batch(NamedTuple):
    """The run that pulls: its id and the instant that all its rows carry as `landed_at`."""

    id: str
    landed_at: datetime


class Part(NamedTuple):
    """Rows for one table and where they come from: a file and its age, or a page and its place in the pull."""

    file: str
    frame: Frame
    age: int = 0
    seen: int | None = None
    is_whole: bool = True  # of a page: each record brings all rows of its document


@dataclass
class Pulled:
    """What a pull left behind: rows and money read per table, or the error that ended it (then nothing of it may land).

    `window`: the days a live source was asked for. `readings`: for tables whose source shows only the present, the days of the
    window that this pull could read.
    """

    connection: Connection
    rows: dict[str, int] = field(default_factory=dict)
    money: dict[str, Decimal] = field(default_factory=dict)
    files: int = 0
    erased: int = 0  # rows left out because they are an erased person's; they are in no other count
    pages: int = 0
    requests: int = 0
    waited: float = 0.0
    window: Window | None = None
    readings: dict[str, frozenset[date]] = field(default_factory=dict)
    error: SourceError | None = None

    @property
    def work(self) -> str:
        """What was read, for a person: `3 files`, or `12 pages in 14 requests, waited 30 s`."""
        if not isinstance(self.connection, LiveConnection):
            return f"{self.files} files"
        waited = f", waited {self.waited:.0f} s for the source" if self.waited >= 1 else ""
        return f"{self.pages} pages in {self.requests} requests{waited}"


@dataclass(frozen=True)
class Means:
    """What a live pull needs beside its connection: secrets, the time, somewhere to tell how far it is, and the others' pace."""

    secrets: Secrets = field(default_factory=Secrets)
    clock: Clock = field(default_factory=Clock)
    tell: Callable[[str], None] = lambda _: None
    paces: Paces = field(default_factory=Paces)


def stage_schema(table: Table) -> pa.Schema:
    """Schema of a staged file: the contract's columns and where each row came from."""
    return pa.schema([*table.schema, *(pa.field(name, type_) for name, type_ in STAGED)])


def money_column(table: Table) -> str | None:
    """The column whose sum must be conserved from the source to the landing zone, where the table has one."""
    names = {column.name for column in table.columns}
    return next((name for name in ("amount", "total_amount") if name in names), None)


def pull(
    connection: Connection,
    stage: Path,
    pseudonymiser: Pseudonymiser,
    batch: Batch,
    window: Window | None = None,
    means: Means | None = None,
    sieve: Sieve | None = None,
) -> Pulled:
    """Read everything a drop folder has, or what a live source has of `window`, and stage it.

    A SourceError is kept in the result, not raised. A page is written before the next is asked for. What `sieve` catches is
    never written.
    """
    pulled = Pulled(connection, rows=dict.fromkeys(connection.tables, 0), window=window)
    writers: dict[str, _Writer] = {}
    # Documents of each file or page: a newer one's order without a person keeps its lines.
    erased: dict[tuple[int, int | None], set[str]] = {}
    try:
        for part in parts(connection, pulled, window, means or Means()):
            table = contract_table(connection.source, part.frame.table)
            rows = typed(table, part, connection, pseudonymiser, batch)
            if sieve is not None:
                read = rows.num_rows
                rows = sieve.sift(table, rows, erased.setdefault((part.age, part.seen), set()))
                pulled.erased += read - rows.num_rows
            pulled.rows[table.name] += rows.num_rows
            if money := money_column(table):
                total = pc.sum(rows[money]).as_py() or Decimal(0)
                pulled.money[table.name] = pulled.money.get(table.name, Decimal(0)) + total
            if table.name not in writers:
                folder = stage / table.id
                folder.mkdir(parents=True, exist_ok=True)
                writers[table.name] = _Writer(folder / f"{connection.name}.parquet", stage_schema(table))
            writers[table.name].write(rows)
    except SourceError as error:
        pulled.error = error
    finally:
        for writer in writers.values():
            writer.close()
    if pulled.error:
        for name in writers:
            (stage / f"{connection.source}.{name}" / f"{connection.name}.parquet").unlink()
    return pulled


class _Writer:
    """Writes a staged file some thousand rows at a time."""

    def __init__(self, file: Path, schema: pa.Schema) -> None:
        self._parquet = pq.ParquetWriter(file, schema)
        self._held: list[pa.Table] = []
        self._rows = 0

    def write(self, rows: pa.Table) -> None:
        self._held.append(rows)
        self._rows += rows.num_rows
        if self._rows >= BUFFER:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        if self._held:
            self._parquet.write_table(pa.concat_tables(self._held))
        self._held, self._rows = [], 0


def parts(connection: Connection, pulled: Pulled, window: Window | None, means: Means) -> Iterator[Part]:
    """Every frame of every file, oldest first, or of every page of `window`; `pulled` counts what was read. SourceError."""
    if isinstance(connection, FileConnection):
        return _file_parts(connection, pulled)
    if isinstance(connection, LiveConnection) and window is not None:
        return _live_parts(connection, pulled, window, means)
    raise TypeError(f"{connection.kind} reads neither files nor, without a window, a live source")


def _file_parts(connection: FileConnection, pulled: Pulled) -> Iterator[Part]:
    for age, path in enumerate(files.drop_files(connection.path, connection.pattern)):
        pulled.files += 1
        try:
            options = {"encoding": connection.encoding, **connection.read_options()}
            sheets = files.read_sheets(path, cut=partial(in_blocks, connection), **options)
            for name, blocks in groupby(sheets, attrgetter("file")):
                for frame in connection.read_blocks(blocks):
                    yield Part(name, frame, age)
        except places.failures() as error:
            why = getattr(error, "strerror", None) or masked(str(error), 120)
            raise SourceError(f"{path.name}: {why}; check the file and the rights on it") from error
        except ArithmeticError as error:
            raise SourceError(f"{path.name}: a number is too large to calculate with; look for 15 digits or more") from error


def _live_parts(connection: LiveConnection, pulled: Pulled, window: Window, means: Means) -> Iterator[Part]:
    secrets = means.secrets.of_one_pull()
    api = None
    try:
        api = connection.api(secrets, means.clock, means.tell)
        api.pace = means.paces.of(api.origin, tuple(sorted(connection.secret_names())))
        _tell_of_readings(connection, pulled, window, means)
        told = means.clock.now()
        for page, frames in _pages(connection, api, window):
            pulled.pages += 1
            for frame in frames:
                yield Part(page.label, frame, seen=pulled.pages, is_whole=page.is_whole)
            if means.clock.now() - told >= timedelta(seconds=TELL_EVERY):
                told = means.clock.now()
                means.tell(f"{page.label}, {sum(pulled.rows.values()):,} rows so far")
    except SourceError as error:
        # A new error without the old one's cause: a chain of tracebacks may hold what the message must not.
        raise SourceError(secrets.redacted(str(error))) from None
    finally:
        if api is not None:
            pulled.requests, pulled.waited = api.requests, api.waited
            api.close()


def _pages(connection: LiveConnection, api: Any, window: Window) -> Iterator[tuple[Page, list[Frame]]]:
    """Each page with its frames. An answer of another shape than the kind expects is the source's error, not the run's."""
    where = "the first page"
    try:
        for page in connection.pages(api, window):
            where = page.label
            yield page, list(connection.read(page))
            where = f"after {page.label}"
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        what = masked(f"{type(error).__name__}: {error}", 100)
        raise SourceError(f"{where}: the source sends something else than {connection.kind} expects ({what})") from error


def _tell_of_readings(connection: LiveConnection, pulled: Pulled, window: Window, means: Means) -> None:
    """Note which day's counters can be read now; the days before are gone at the source."""
    tables = sorted(connection.reading_tables())
    day = reading_day(means.clock.now(), connection.zone)
    pulled.readings = {name: frozenset({day} if day in window else ()) for name in tables}
    if tables and window.start < day:
        last = min(window.end, day - timedelta(days=1))
        days = f"{window.start}" if last == window.start else f"{window.start} to {last}"
        means.tell(f"{' and '.join(tables)} of {days}: the source no longer has them, it shows counters only as they are now")


def typed(table: Table, part: Part, connection: Connection, pseudonymiser: Pseudonymiser, batch: Batch) -> pa.Table:
    """The part as an Arrow table of `stage_schema`: persons hashed, unreadable cells null with the reason in `_unparsed`."""
    frame = part.frame
    count = len(frame.rows)
    unparsed: dict[int, list[str]] = {}
    arrays: dict[str, pa.Array] = {}
    for column in table.all_columns:
        if column.name in frame.rows.columns:
            arrays[column.name] = _array(frame.rows[column.name], column, table, pseudonymiser, unparsed)
        else:
            arrays[column.name] = pa.nulls(count, column.arrow.type)
    if "change_date" not in frame.rows.columns:
        local = pc.local_timestamp(arrays["updated_at"].cast(pa.timestamp("us", tz=connection.time_zone)))
        arrays["change_date"] = local.cast(pa.date32())
    arrays["connection"] = pa.repeat(connection.name, count)
    arrays["source_record_id"] = pc.binary_join_element_wise(
        *(pc.fill_null(arrays[name].cast(pa.string()), "") for name in table.key), "/"
    )
    arrays["landed_at"] = pa.repeat(pa.scalar(batch.landed_at, COMMON[5].arrow.type), count)
    arrays["batch_id"] = pa.repeat(batch.id, count)
    arrays["_file"] = pa.repeat(part.file, count)
    arrays["_row"] = pa.array(frame.rows.index, pa.int64())
    arrays["_age"] = pa.repeat(pa.scalar(part.age, pa.int64()), count)
    if part.seen is not None and part.is_whole:
        arrays["_age"] = pc.fill_null(arrays["updated_at"].cast(pa.int64()), 0)
    arrays["_seen"] = pa.repeat(pa.scalar(part.seen, pa.int64()), count)
    arrays["_unparsed"] = pa.nulls(count, pa.string())
    if unparsed:
        told = ["; ".join(unparsed[position]) if position in unparsed else None for position in range(count)]
        arrays["_unparsed"] = pa.array(told, pa.string())
    schema = stage_schema(table)
    return pa.table([arrays[name] for name in schema.names], schema=schema)


def _array(
    cells: pd.Series[Any], column: Column, table: Table, pseudonymiser: Pseudonymiser, unparsed: dict[int, list[str]]
) -> pa.Array:
    """One column as Arrow, its unreadable cells null and told in `unparsed` by their row."""
    if not column.personal:
        try:
            return pa.array(cells.to_numpy(dtype=object), column.arrow.type, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # not all cells are values of the column's type: one by one
    places, distinct = factorized(cells)
    values = [_value(value, column, table, pseudonymiser) for value in distinct]
    wrong = {place: value for place, value in enumerate(values) if isinstance(value, Bad)}
    for position in np.flatnonzero(np.isin(places, [*wrong])).tolist() if wrong else ():
        unparsed.setdefault(position, []).append(wrong[places[position]].why)
    read = [None if place in wrong else value for place, value in enumerate(values)]
    made = pa.array(read, column.arrow.type, from_pandas=True)
    return made.take(pa.array(places, mask=places < 0))


def _value(value: Any, column: Column, table: Table, pseudonymiser: Pseudonymiser) -> Any:
    """A cell as it is landed, or a `Bad` that says in full what is wrong with it."""
    if isinstance(value, Bad):
        raw = "***" if column.personal else masked(value.raw)
        return value._replace(why=f"{column.name}: {value.column} {raw!r} {value.why}")
    if column.personal:
        return _pid(value, column, table, pseudonymiser)
    if isinstance(value, Person):
        raise TypeError(f"{table.id}.{column.name} is not a personal column, yet it was given a person")
    if column.type != "money":
        return value
    if abs(value) >= MONEY_LIMIT:
        return Bad(column.name, str(value), f"{column.name}: {value} is too large for an amount of money")
    return Decimal(value).quantize(MONEY_STEP, ROUND_HALF_UP)


def _pid(value: Any, column: Column, table: Table, pseudonymiser: Pseudonymiser) -> str | None:
    """Hash a person; text may stand in a personal column only where the row itself says it is no person (`any`)."""
    if isinstance(value, str) and column.personal == "any":
        return value
    if not isinstance(value, Person) or column.personal not in (value.key, "any"):
        raise TypeError(f"{table.id}.{column.name} takes a {column.personal} person")
    return pseudonymiser.pid(value)
