"""Lands a window of days: pull every connection, judge at the door, replace the changed days.

Connections are independent: one that cannot be read or is refused at the door keeps its old rows and is named; the others land.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipelines.batch_facts import Due
from pipelines.door import Door
from pipelines.quality.gate import RuleResult
from pipelines.settings import require_same_keys
from pipelines.sources.connection import Connection, Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.files import require_reach
from pipelines.sources.http import Clock
from pipelines.sources.live import LiveConnection
from pipelines.sources.places import Place
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Means, Pulled, pull
from pipelines.store import EXTRACTOR, Day, Store, private, writer_lock
from pipelines.tombstones import sieve

CAUGHT_UP = timedelta(days=31)  # missed days that a night asks a live source for; more of them are a backfill's

Log = Callable[[str], None]


@dataclass
class TableLanding:
    """What one connection did to one landing table in this run (rows of the days looked at)."""

    source: str
    table: str
    connection: str
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    duplicates: int = 0
    replaced_days: list[date] = field(default_factory=list)


@dataclass
class Landing:
    """The outcome of a landing run: rows per connection and table, every check by table id, the connections refused and why.

    `work` says for each connection what was read: its files, or its pages and the time waited for the source.
    """

    window: Window
    tables: list[TableLanding]
    checks: dict[str, list[RuleResult]]
    refused: dict[str, str]
    work: dict[str, str] = field(default_factory=dict)


def land(
    connections: Sequence[Connection],
    window: Window,
    home: Path,
    pseudonymiser: Pseudonymiser,
    batch: Batch,
    *,
    threads: int = 4,
    accept_shrink: bool = False,
    log: Log = lambda _: None,
    secrets: Secrets | None = None,
    clock: Clock | None = None,
    lake: Place | None = None,
) -> Landing:
    """Land `window` of `connections` into `home`. Nothing is raised for bad input: see `Landing.refused` and `.checks`.

    `secrets` and `clock` are for live connections; `lake` is where the landing zone lies, if not in the home.
    """
    store = Store(home, lake)
    require_reach(store.landing)
    with writer_lock(home, log), tempfile.TemporaryDirectory(prefix="stage-", dir=_stage_root(home)) as folder:
        # Under the lock: keys or tombstones may have changed while this run waited for its turn.
        require_same_keys(home, pseudonymiser)
        store.prepare()
        erased = sieve(home, pseudonymiser)
        means = Means(secrets or Secrets(), clock or Clock())

        def one(connection: Connection) -> Pulled:
            own = replace(means, tell=lambda line: log(f"{connection.name}: {line}"))
            days = _missed(store, connection, window)
            pulled = pull(connection, Path(folder), pseudonymiser, batch, days, own, erased)
            rows = ", ".join(f"{count:,} {name}" for name, count in pulled.rows.items() if count) or "no rows"
            left_out = f"; {pulled.erased:,} rows of erased persons left out" if pulled.erased else ""
            log(f"{connection.name}: {pulled.error or f'{pulled.work}, {rows}{left_out}'}")
            return pulled

        with ThreadPoolExecutor(max_workers=threads) as pool:
            pulls = list(pool.map(one, connections))
        pa.default_memory_pool().release_unused()  # the door's own memory comes on top of what is kept
        door = Door(Path(folder), store, pulls, window, accept_shrink)
        try:
            checks = door.judge()
            refused = door.blocked()
            for name, reason in refused.items():
                log(f"{name}: refused: {reason}")
            for (_, name), due in door.due.items():
                if waiting := door.counts[(due.table.id, name)].future:
                    log(f"{name}: {waiting} {due.table.name} are dated in the future and wait for their day")
            tables = [_replace(door, due, store, batch, name in refused) for (_, name), due in door.due.items()]
            for pulled in pulls:
                if isinstance(pulled.connection, LiveConnection):
                    _note_reached(store, pulled.connection.name, window, pulled.connection.name in refused)
        finally:
            door.close()
    return Landing(window, tables, checks, refused, {pulled.connection.name: pulled.work for pulled in pulls})


def _note_reached(store: Store, name: str, window: Window, is_refused: bool) -> None:
    """How far a live source has landed. One that is refused before it ever landed is as far as the day before the window."""
    if not is_refused:
        store.note_reached(name, window.end)
    elif store.reached(name) is None:
        store.note_reached(name, window.start - timedelta(days=1))


def _missed(store: Store, connection: Connection, window: Window) -> Window:
    """The window, from the first day on that a live source has not landed: a night it was down is caught up by the next."""
    reached = store.reached(connection.name) if isinstance(connection, LiveConnection) else None
    if reached is None:
        return window
    return Window(min(window.start, max(reached + timedelta(days=1), window.start - CAUGHT_UP)), window.end)


def _stage_root(home: Path) -> Path:
    """A folder for staged pulls inside `home`; what a killed run left there is removed."""
    root = private(home / "staging")
    for leftover in root.iterdir():
        shutil.rmtree(leftover, ignore_errors=True)
    return root


def _replace(door: Door, due: Due, store: Store, batch: Batch, is_refused: bool) -> TableLanding:
    counts = door.counts[(due.table.id, due.connection)]
    outcome = TableLanding(due.table.source, due.table.name, due.connection, counts.read, quarantined=counts.quarantined)
    outcome.duplicates = counts.duplicates
    if is_refused:
        return outcome
    outcome.landed = counts.landing
    store.replace_undated(due.table, due.connection, door.held_back_undated(due))
    if due.changed:
        rows, held_back = partial(door.passed_rows, due), partial(door.held_back, due)
        store.replace(due.table, due.connection, rows, held_back, _manifest(due, door, batch))
        outcome.replaced_days = sorted(due.changed)
    return outcome


def _manifest(due: Due, door: Door, batch: Batch) -> Mapping[date, Day]:
    judged, duplicates = door.judged_per_day(due), door.duplicates_per_day(due)
    window = (door.window.start.isoformat(), door.window.end.isoformat())
    days = {}
    for day in due.changed:
        landed, quarantined = judged.get(day, (0, 0))
        days[day] = Day(
            rows=landed,
            quarantined=quarantined,
            duplicates=duplicates.get(day, 0),
            hash=due.hashes.get(day, ""),
            window=window,
            extractor=EXTRACTOR,
            run=batch.id,
            landed_at=batch.landed_at.isoformat(),
        )
    return days
