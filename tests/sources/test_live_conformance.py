"""One suite that every live kind passes: nothing lost, nothing doubled, nothing told, whatever the server does.

A vendor is a server on this machine that speaks its vendor's protocol (tests/vendors). Records go the way of a
night: pull, door, landing zone.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from shops import KEYS
from vendors.base import NIGHT, NightClock, Reply, Request, Vendor, served
from vendors.catalogue import ALL

from pipelines.door import Door
from pipelines.sources import KINDS
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.live import LiveConnection
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Means, Pulled, pull
from pipelines.store import QUARANTINE_SCHEMA, Day, Store

DAY = date(2026, 11, 26)
MIDNIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # of the 26th in Tokyo
NOON = MIDNIGHT + timedelta(hours=12)


class MemoryTokens:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        return self.kept.get(name)

    def save(self, name: str, token: str) -> None:
        self.kept[name] = token


@dataclass
class Night:
    """A vendor's server, a connection to it, and a landing zone."""

    vendor: Vendor
    home: Path
    url: str
    connection: LiveConnection
    said: list[str] = field(default_factory=list)
    clock: NightClock = field(default_factory=NightClock)
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    replaced: int = 0  # days that the last night wrote
    seeded: int = 0

    def seed(self, *moments: datetime) -> None:
        self.vendor.records += [self.vendor.record(self.seeded + place, moment) for place, moment in enumerate(moments, start=1)]
        self.seeded += len(moments)

    def fill(self, count: int) -> None:
        """Seed `count` records more, a minute apart; where there is one a day, each a day before the other."""
        step = timedelta(days=-1) if self.vendor.one_a_day else timedelta(minutes=1)
        self.seed(*(NOON + (self.seeded + place) * step for place in range(count)))

    @property
    def first(self) -> date:
        """The first of the days that what was filled in lands on; the last is `DAY`."""
        return DAY - timedelta(days=max(self.seeded - 1, 0) if self.vendor.one_a_day else 0)

    def land(self, first: date | None = None, last: date = DAY) -> Pulled:
        """Pull, sort out the days at the door and replace them. The rules for rows have suites of their own (tests/quality)."""
        window, batch = Window(first or self.first, last), Batch(f"run-{self.clock.time}", self.clock.time)
        means = Means(Secrets(self.vendor.secrets, self.tokens), self.clock, self.said.append)
        with tempfile.TemporaryDirectory() as stage:
            pulled = pull(self.connection, Path(stage), Pseudonymiser(KEYS), batch, window, means)
            door = Door(Path(stage), self.store, [pulled], window)
            door.database = Path(":memory:")  # nothing but this process reads it: no gate is opened
            door.sort()
            self.replaced = 0
            for due in door.due.values():
                days = {day: Day(1, 0, 0, due.hashes.get(day, ""), ("", ""), "", batch.id, "") for day in due.changed}
                rows = partial(door.passed_rows, due)
                self.store.replace(due.table, due.connection, rows, lambda _: QUARANTINE_SCHEMA.empty_table(), days)
                self.replaced += len(days)
            door.close()
        return pulled

    @property
    def store(self) -> Store:
        return Store(self.home)

    def rows(self, name: str = "") -> list[dict[str, Any]]:
        folder = self.store.landing / self.connection.source / (name or self.vendor.table)
        files = sorted(folder.glob(f"month=*/{self.connection.name}.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().drop(["landed_at", "batch_id"]).to_pylist()]

    def keys(self, day: date | None = None) -> list[str]:
        """The records landed for a day (without one, for all that were filled in), each once."""
        days = Window(day or self.first, day or DAY)
        return sorted({str(row[self.vendor.key]) for row in self.rows() if row["change_date"] in days})

    def expected(self, *numbers: int) -> list[str]:
        """The keys of records as the vendor numbers them."""
        return sorted(self.vendor.key_of(number) for number in numbers)


@contextmanager
def night(kind: type[Vendor], home: Path) -> Iterator[Night]:
    vendor = kind()
    with served(vendor) as url:
        yield Night(vendor, home, url, vendor.connection(url))


@pytest.fixture(params=ALL, ids=lambda kind: kind.__name__)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Night]:
    with night(request.param, tmp_path / "home") as made:
        yield made


def test_every_live_kind_is_here() -> None:
    kinds = {kind for kind in KINDS.values() if issubclass(kind, LiveConnection)}
    assert kinds == {type(vendor().connection("https://vendor.example.com/")) for vendor in ALL}


@pytest.mark.parametrize("size", ["0", "1", "page", "page + 1"])
def test_the_last_page_is_read_whatever_its_size(live: Night, size: str) -> None:
    page = live.vendor.page
    count = {"0": 0, "1": 1, "page": page, "page + 1": page + 1}[size]
    live.fill(count)
    assert live.land().error is None
    assert live.keys() == live.expected(*range(1, count + 1))
    assert len({row["source_record_id"] for row in live.rows()}) == len(live.rows())


def test_a_day_has_what_changed_from_its_first_to_its_last_second(live: Night) -> None:
    edges = [MIDNIGHT - timedelta(seconds=1), MIDNIGHT, MIDNIGHT + timedelta(days=1, seconds=-1), MIDNIGHT + timedelta(days=1)]
    if live.vendor.one_a_day:
        del edges[2]
    live.seed(*edges)
    assert live.land(DAY).error is None
    everything, middle = live.expected(*range(1, len(edges) + 1)), live.expected(*range(2, len(edges)))
    # Counters are those of the day they are read on, whenever the post was written.
    assert live.keys(DAY) == (everything if live.vendor.readings else middle)
    assert live.keys(DAY - timedelta(days=1)) == live.keys(DAY + timedelta(days=1)) == []
    if not live.vendor.readings:
        live.clock.time = NIGHT + timedelta(days=1)
        live.land(DAY - timedelta(days=1), DAY + timedelta(days=1))
        landed = [live.keys(DAY + timedelta(days=step)) for step in (-1, 0, 1)]
        assert landed == [live.expected(1), middle, live.expected(len(edges))]


@pytest.mark.parametrize("live", [kind for kind in ALL if kind.readings], ids=lambda kind: kind.__name__, indirect=True)
def test_a_past_day_of_counters_is_told_to_be_gone_and_keeps_what_was_read_on_it(live: Night) -> None:
    live.seed(NOON)
    live.land()
    before = live.rows()
    live.clock.time = NIGHT + timedelta(days=2)
    live.vendor.records.clear()
    assert live.land().error is None
    assert live.rows() == before
    assert any("2026-11-26: the source no longer has them" in line for line in live.said)


def test_a_second_pull_changes_nothing(live: Night) -> None:
    live.fill(5)
    live.land()
    before = live.rows()
    live.clock.time += timedelta(minutes=20)
    assert live.land().error is None
    assert live.rows() == before
    assert live.replaced == 0


def test_of_a_list_that_moves_while_it_is_read_no_other_record_is_passed_over(live: Night) -> None:
    live.clock.time = MIDNIGHT + timedelta(hours=20)  # the day is not over: records may change within it
    live.fill(7)
    answered: list[Request] = []

    def change(request: Request) -> None:
        if live.vendor.is_signed_in(request):
            answered.append(request)
            if len(answered) == 2:
                live.vendor.records[0] = live.vendor.record(1, NOON + timedelta(hours=1))

    live.vendor.traps.append(change)
    assert live.land().error is None
    # The one that changed after the pull had begun may be left to the next one.
    assert set(live.keys()) >= set(live.expected(*range(2, 8)))
    assert live.land().error is None
    assert live.keys() == live.expected(*range(1, 8))
    assert len({row["source_record_id"] for row in live.rows()}) == len(live.rows())


def test_a_limit_is_waited_for_and_told(live: Night) -> None:
    live.fill(5)
    refusals = [live.vendor.throttle(), live.vendor.throttle()]

    def once_more(request: Request) -> Reply | None:
        return refusals.pop() if refusals and live.vendor.is_signed_in(request) else None

    live.vendor.traps.append(once_more)
    pulled = live.land()
    assert pulled.error is None
    assert live.keys() == live.expected(1, 2, 3, 4, 5)
    assert sum(live.clock.slept) >= 20
    assert any("waiting" in line for line in live.said)
    assert "waited" in pulled.work


def test_a_token_that_ends_between_pages_is_renewed_or_told(live: Night) -> None:
    live.fill(1)
    live.land()
    before = live.rows()
    live.fill(5)
    answered: list[Request] = []

    def expire(request: Request) -> None:
        if live.vendor.is_signed_in(request):
            answered.append(request)
            if len(answered) == 2:
                live.vendor.expire()

    live.vendor.traps.append(expire)
    error = live.land().error
    if live.vendor.renews:
        assert error is None
        assert live.keys() == live.expected(1, 2, 3, 4, 5, 6)
    else:
        assert "401" in str(error)
        assert live.rows() == before


def test_a_field_more_changes_nothing(live: Night) -> None:
    live.fill(2)
    live.land()
    before = live.rows()
    for record in live.vendor.records:
        record["brand_new"] = {"deep": [1, None]}
    assert live.land().error is None
    assert live.rows() == before


def test_a_field_less_is_named_and_the_old_rows_stay(live: Night) -> None:
    live.fill(2)
    live.land()
    before = live.rows()
    for record in live.vendor.records:
        del record[live.vendor.field]
    error = live.land().error
    assert live.vendor.field in str(error)
    assert live.rows() == before


def test_a_record_that_the_source_deleted_is_gone(live: Night) -> None:
    live.fill(4)
    live.land()
    del live.vendor.records[1]
    assert live.land().error is None
    assert live.keys() == live.expected(1, 3, 4)


def test_a_server_that_dies_midway_leaves_what_had_landed(live: Night) -> None:
    live.fill(1)
    live.land()
    before = live.rows()
    live.fill(5)
    answered: list[Request] = []

    def die(request: Request) -> Reply | None:
        if live.vendor.is_signed_in(request):
            answered.append(request)
        return Reply(status=0) if len(answered) > 1 else None

    live.vendor.traps.append(die)
    error = live.land().error
    assert "does not answer" in str(error)
    assert live.rows() == before
    live.vendor.traps.clear()
    assert live.land().error is None
    assert live.keys() == live.expected(1, 2, 3, 4, 5, 6)


def test_no_secret_and_no_person_is_seen_anywhere(live: Night, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    live.fill(4)
    told = [live.land()]
    # A server that says everything it was sent, in an error and in what looks like a good answer.
    for status in (400, 401, 500, 200):

        def echo(request: Request, status: int = status) -> Reply:
            sent = f"{request.headers} {request.query} {request.body.decode(errors='replace')}"
            return Reply({"message": sent, "errors": [{"message": sent}], "error": sent}, status)

        live.vendor.traps[:] = [echo]
        told.append(live.land())
        assert told[-1].error is not None
    traces = [repr(told), repr(live.said), repr(live.connection), repr(Secrets(live.vendor.secrets)), caplog.text]
    for file in live.home.rglob("*"):
        if file.is_file():
            traces.append(file.read_bytes().decode("latin-1"))
            if file.suffix == ".parquet":
                table = pq.ParquetFile(file).read()
                traces.append(repr((table.to_pydict(), table.schema.metadata)))
    everything = "\n".join(traces)
    assert [secret for secret in live.vendor.given_secrets() if secret in everything] == []
    assert "hanako" not in everything.lower()
    assert "花子" not in everything
