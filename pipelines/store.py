"""The landing zone, on disk or in an object store: month files in which a day is replaced whole.

<lake>/landing/<source>/<table>/month=YYYY-MM/<connection>.parquet, and the same below <lake>/quarantine/; the lake is the home
unless it is said to lie elsewhere. A file's manifest (per day: rows, quarantined, duplicates, hash, window, extractor, run) lies
in its own Parquet footer, so that file and manifest are replaced by the one rename, or the one upload, and can never disagree.
Rows are sorted by day and row groups hold whole days.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from pipelines.sealed import synced
from pipelines.sources.contract import TABLES
from pipelines.sources.places import Place, matching
from pipelines.sources.schema import Table

EXTRACTOR = "1"  # raise when the same input would land differently, so that the next pull lands changed days again
MANIFEST = b"engagement.manifest"
ROW_GROUP = 10_000  # a group per day made DuckDB read 1,461 groups for two years of a small shop: seconds for nothing
AT_ONCE = 100_000  # rows asked for at once, where a day has not more
REACHED = "reached"  # the folder that says how far each live connection has landed
NO_MONTH = "0000-00"  # the empty typed file of a table, and quarantined rows whose day could not be read

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("source_table", pa.string()),
        pa.field("connection", pa.string()),
        pa.field("change_date", pa.date32()),
        pa.field("key", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("row_json", pa.string()),
        pa.field("batch_id", pa.string()),
    ]
)


RowsOf: TypeAlias = Callable[[Sequence[date]], pa.Table]  # the rows of some days


@dataclass(frozen=True)
class Day:
    """What the manifest holds of one landed day."""

    rows: int
    quarantined: int
    duplicates: int
    hash: str
    window: tuple[str, str]
    extractor: str
    run: str
    landed_at: str


def month_of(day: date) -> str:
    """`YYYY-MM`."""
    return f"{day:%Y-%m}"


class Store:
    """Reads and replaces month files below `lake`, which is `home` unless it lies elsewhere."""

    def __init__(self, home: Path, lake: Place | None = None) -> None:
        self.home = home
        self.landing = (lake or home) / "landing"
        self.quarantine = (lake or home) / "quarantine"

    def prepare(self) -> None:
        """Give every table of the contract an empty typed file, and remove what a crash left half written."""
        for root in (self.landing, self.quarantine):
            if isinstance(root, Path):
                private(root)
                for leftover in root.glob("*/*/month=*/.*.tmp"):
                    leftover.unlink()
        for table in TABLES:
            file = self.file(table, NO_MONTH, "empty")
            if not file.exists() or _parquet(file).schema_arrow.remove_metadata() != table.schema:
                _write(file, table.schema.empty_table(), {})
        file = self.quarantine / "empty" / "empty" / f"month={NO_MONTH}" / "empty.parquet"
        if not file.exists():
            _write(file, QUARANTINE_SCHEMA.empty_table(), {})

    def attach(self, sql: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read the files, wherever they lie."""
        if not isinstance(self.landing, Path):
            sql.register_filesystem(self.landing.fs)

    def file(self, table: Table, month: str, connection: str) -> Place:
        """Path of a landed month file."""
        return self.landing / table.source / table.name / f"month={month}" / f"{connection}.parquet"

    def quarantine_file(self, table: Table, month: str, connection: str) -> Place:
        """Path of a month file of quarantined rows."""
        return self.quarantine / table.source / table.name / f"month={month}" / f"{connection}.parquet"

    def days(self, table: Table, connection: str) -> dict[date, Day]:
        """The manifest of one connection's table over all months."""
        days: dict[date, Day] = {}
        for file in matching(self.landing / table.source / table.name, f"month=*/{connection}.parquet"):
            days.update(_manifest(file))
        return days

    def manifests(self, table: Table) -> Iterator[tuple[str, dict[date, Day]]]:
        """Connection and manifest of every landed month file of one table."""
        for file in self.month_files(self.landing, table):
            yield file.stem, _manifest(file)

    def reached(self, connection: str) -> date | None:
        """The day up to which the connection has landed without a gap; None when it never has."""
        file = self.landing / REACHED / connection
        return date.fromisoformat(file.read_text()) if file.exists() else None

    def note_reached(self, connection: str, day: date) -> None:
        """Keep `day` as reached, unless a later one is."""
        before = self.reached(connection)
        if before is None or before < day:
            with _replacing(self.landing / REACHED / connection) as temporary:
                temporary.write_text(day.isoformat())

    def replace(self, table: Table, connection: str, rows: RowsOf, held_back: RowsOf, days: Mapping[date, Day]) -> None:
        """Replace the given days whole, month by month: `rows` in the landing zone, `held_back` in the quarantine.

        Both are asked for some days at a time. Days without rows are emptied. Other days keep their rows, byte for byte the same
        values.
        """
        by_month: dict[str, dict[date, Day]] = {}
        for day in sorted(days):
            by_month.setdefault(month_of(day), {})[day] = days[day]
        for month, entries in by_month.items():
            quarantine, landing = self.quarantine_file(table, month, connection), self.file(table, month, connection)
            asked = _asked({day: entry.quarantined for day, entry in entries.items()}, held_back)
            _replace_days(quarantine, QUARANTINE_SCHEMA, ("key", "rule"), asked, entries, {})
            asked = _asked({day: entry.rows for day, entry in entries.items()}, rows)
            _replace_days(landing, table.schema, table.key, asked, entries, entries)

    def replace_undated(self, table: Table, connection: str, held_back: pa.Table) -> None:
        """Replace the quarantined rows whose day could not be read."""
        file = self.quarantine_file(table, NO_MONTH, connection)
        rows = held_back.sort_by([(name, "ascending") for name in ("key", "rule", "reason", "row_json")])
        before = _parquet(file).read() if file.exists() else rows.slice(0, 0)
        # What only another run looked at again is no change.
        if not rows.drop("batch_id").equals(before.drop("batch_id")):
            _write(file, rows, {})

    def month_files(self, root: Place, table: Table) -> Iterator[Place]:
        """The files of one table below `root` (`landing` or `quarantine`), empty typed ones left out."""
        for file in matching(root / table.source / table.name, "month=*/*.parquet"):
            if file.parent.name != f"month={NO_MONTH}" or root == self.quarantine:
                yield file


def read_file(file: Place) -> tuple[pa.Table, dict[date, Day]]:
    """Rows and manifest of a month file."""
    # Read by file, not dataset: the month in the folder's name is no column.
    return _parquet(file).read().replace_schema_metadata(None), _manifest(file)


def write_file(file: Place, rows: pa.Table, manifest: Mapping[date, Day]) -> None:
    """Replace a month file whole: `rows`, sorted already, with their manifest."""
    _write(file, rows, manifest)


def recounted(
    manifest: Mapping[date, Day], rows: pa.Table, left: pa.Table, held: pa.Table | None, kept: pa.Table | None
) -> dict[date, Day]:
    """The manifest of a month of whose `rows` only `left`, and of whose `held` back rows only `kept` stay.

    A day that lost rows forgets its hash: the next pull finds it changed and lands it anew.
    """
    now = [_per_day(table) for table in (left, kept)]
    lost = [
        {day for day, count in _per_day(was).items() if count != after.get(day, 0)}
        for was, after in zip((rows, held), now, strict=True)
    ]
    return {
        day: replace(entry, rows=now[0].get(day, 0), quarantined=now[1].get(day, 0), hash="")
        if day in set.union(*lost)
        else entry
        for day, entry in manifest.items()
    }


def write_private(file: Path, text: str) -> None:
    """Replace a small file of the home: whole, on the disk, readable by its owner alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, file)
    synced(file.parent)


def private(folder: Path) -> Path:
    """Make a folder that only its owner may enter: what lies there is pseudonymised, but it is one row per person."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def writer_lock(home: Path, log: Callable[[str], None]) -> Iterator[None]:
    """One writer at a time, over threads, processes and Dagster instances; says so when it has to wait.

    Whoever gets the lock first ends a change of keys that was cut off (`settle`).
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log("another run is writing; waiting for it to end")
        lock.acquire()
    try:
        settle(home)
        yield
    finally:
        lock.release()


def settle(home: Path) -> None:
    """Put in place what stands ready in <home>/rotation, however far an earlier try came; what is not ready is thrown away.

    The file `ready` holds the names of what moves, in this order; one that is not in the folder is removed from the home.
    """
    rotation = home / "rotation"
    ready = rotation / "ready"
    if ready.exists():
        for name in ready.read_text().split():
            new, old, away = rotation / name, home / name, rotation / f"old-{name}"
            if away.exists() and not new.exists():
                continue
            if old.exists():
                os.replace(old, away)
            if new.exists():
                os.replace(new, old)
        synced(home)
        ready.unlink()
    if rotation.exists():
        shutil.rmtree(rotation)


def _asked(days: Mapping[date, int], rows: RowsOf) -> Iterator[pa.Table]:
    """The rows of `days`, of which the number is known: as many days at a time as make few rows."""
    asked, count = list[date](), 0
    for day in sorted(days):
        if asked and count + days[day] > AT_ONCE:
            yield rows(asked)
            asked, count = [], 0
        asked.append(day)
        count += days[day]
    yield rows(asked)


def _replace_days(
    file: Place,
    schema: pa.Schema,
    key: tuple[str, ...],
    new: Iterable[pa.Table],
    days: Collection[date],
    entries: Mapping[date, Day],
) -> None:
    """Put the rows `new`, some days after the other, in place of all rows of `days`; `entries` belong into the manifest."""
    order = [("change_date", "ascending"), *((name, "ascending") for name in key if name != "change_date")]
    made = (piece for rows in new for piece in _by_day(rows.sort_by(order)))
    if file.exists():
        before = _parquet(file)
        old = (piece for number in range(before.num_row_groups) for piece in _by_day(before.read_row_group(number)))
        kept = ((day, _promoted(rows, schema)) for day, rows in old if day not in days)
        pieces = (rows for _, rows in merge(kept, made, key=itemgetter(0)))
        _write_pieces(file, schema, pieces, {**_manifest(file), **entries})
        return
    first = next(made, None)
    if first is not None or any(day.quarantined for day in entries.values()):
        _write_pieces(file, schema, (rows for _, rows in chain([first] if first else [], made)), entries)


def _promoted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows landed under an older contract, their new columns empty."""
    return pa.concat_tables([schema.empty_table(), rows], promote_options="default").select(schema.names)


def _per_day(rows: pa.Table | None) -> dict[date, int]:
    return {} if rows is None else dict(Counter(rows["change_date"].to_pylist()))


def _parquet(file: Place) -> pq.ParquetFile:
    # pyarrow maps a file of the disk into memory; through Python's own it would be copied.
    return pq.ParquetFile(file) if isinstance(file, Path) else pq.ParquetFile(file.path, filesystem=file.fs)


def _manifest(file: Place) -> dict[date, Day]:
    metadata = _parquet(file).metadata.metadata or {}
    entries = json.loads(metadata.get(MANIFEST, b"{}"))
    return {date.fromisoformat(day): Day(**{**entry, "window": tuple(entry["window"])}) for day, entry in entries.items()}


def _write(file: Place, rows: pa.Table, manifest: Mapping[date, Day]) -> None:
    """Replace the file by `rows`, sorted already."""
    _write_pieces(file, rows.schema, (piece for _, piece in _by_day(rows)), manifest)


def _write_pieces(file: Place, schema: pa.Schema, pieces: Iterable[pa.Table], manifest: Mapping[date, Day]) -> None:
    """Write beside, check, put in place: a reader sees the old file or the new one, whatever happens."""
    entries = {day.isoformat(): asdict(manifest[day]) for day in sorted(manifest)}
    schema = schema.with_metadata({MANIFEST: json.dumps(entries).encode()} if entries else None)
    written = 0
    with _replacing(file) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for group in _row_groups(pieces):
                writer.write_table(group.cast(schema), row_group_size=group.num_rows)
                written += group.num_rows
            if not written:
                writer.write_table(schema.empty_table())
        if pq.read_metadata(temporary).num_rows != written:
            raise OSError(f"{temporary} does not hold the {written} rows that were written")


@contextmanager
def _replacing(file: Place) -> Iterator[Path]:
    """A file to be written, which then takes the place of `file` whole: by one upload, or by fsync and rename."""
    if not isinstance(file, Path):
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / file.name
            # One PUT, or the end of one multipart upload: until then the old object is there, and after it the new one.
            file.fs.put_file(str(Path(folder) / file.name), file.path)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.parent / f".{file.name}.{os.getpid()}.tmp"
    yield temporary
    synced(temporary)
    os.replace(temporary, file)
    synced(file.parent)


def _by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Sorted rows day by day; those of no readable day are one piece."""
    if not rows.num_rows:
        return
    start, days = 0, rows["change_date"].combine_chunks()
    for end in pc.run_end_encode(days.cast(pa.int32())).run_ends.to_pylist():
        yield days[start].as_py(), rows.slice(start, end - start)
        start = end


def _row_groups(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Whole days, as many as it takes to be worth a reader's while."""
    held, count = list[pa.Table](), 0
    for piece in pieces:
        held.append(piece)
        count += piece.num_rows
        if count >= ROW_GROUP:
            yield pa.concat_tables(held)
            held, count = [], 0
    if held:
        yield pa.concat_tables(held)
