"""A live source that was down for some nights is asked for all of them by the first night that reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shops import KEYS, Shop, line
from vendors.base import NIGHT, NightClock, Reply, served
from vendors.generic import LinkedShop

from pipelines.landing import CAUGHT_UP, Landing, _missed, land
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.live import LiveConnection
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from pipelines.store import Store

FIRST = date(2026, 11, 26)
ONE = timedelta(days=1)


class Nights:
    """A vendor's server and the nights that pull from it."""

    def __init__(self, home: Path, url: str, vendor: LinkedShop) -> None:
        self.home, self.vendor = home, vendor
        self.connection = vendor.connection(url, daily=False)
        self.store = Store(home)

    def night(self, after: int, others: tuple[LiveConnection, ...] = ()) -> Landing:
        """The night that closes the day `after` days after the first."""
        day, now = FIRST + after * ONE, NIGHT + after * ONE
        connections = [self.connection, *others]
        batch, secrets, clock = Batch(f"run-{after}", now), Secrets(self.vendor.secrets), NightClock(now)
        return land(connections, Window(day, day), self.home, Pseudonymiser(KEYS), batch, secrets=secrets, clock=clock)

    def days(self) -> dict[date, list[str]]:
        """The orders landed, by day."""
        found: dict[date, list[str]] = {}
        for file in sorted((self.store.landing / "ec" / "orders").glob("month=*/linked.parquet")):
            for row in pq.ParquetFile(file).read().to_pylist():
                found.setdefault(row["change_date"], []).append(row["order_id"])
        return found


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    vendor = LinkedShop()
    vendor.records = [vendor.record(number, NIGHT + (number - 1) * ONE - timedelta(hours=5)) for number in range(1, 5)]
    with served(vendor) as url:
        yield Nights(tmp_path, url, vendor)


def test_nights_a_live_source_was_down_are_caught_up_by_the_next(nights: Nights) -> None:
    assert nights.night(0).refused == {}
    nights.vendor.traps.append(lambda _: Reply(status=0))
    for after in (1, 2):
        assert "does not answer" in nights.night(after).refused["linked"]
        assert nights.store.reached("linked") == FIRST
    nights.vendor.traps.clear()
    assert nights.night(3).refused == {}
    assert nights.days() == {FIRST + step * ONE: [f"A{step + 1}"] for step in range(4)}
    assert nights.store.reached("linked") == FIRST + 3 * ONE
    asked = nights.vendor.requests[-1].query
    assert (asked["changed_after"], asked["changed_before"]) == ("2026-11-26T14:00:00Z", "2026-11-29T16:00:00Z")


def test_a_first_night_asks_for_its_day_alone_and_an_earlier_day_is_no_step_back(nights: Nights) -> None:
    nights.night(2)
    assert list(nights.days()) == [FIRST + 2 * ONE]
    nights.night(0)
    assert sorted(nights.days()) == [FIRST, FIRST + 2 * ONE]
    assert nights.store.reached("linked") == FIRST + 2 * ONE


def test_longer_than_a_month_is_left_to_a_backfill_and_dropped_files_need_none(tmp_path: Path) -> None:
    store, live = Store(tmp_path), LinkedShop().connection("https://shop.example.com/")
    store.note_reached("linked", FIRST)
    day = Window(FIRST + 100 * ONE, FIRST + 100 * ONE)
    assert _missed(store, live, day) == Window(day.start - CAUGHT_UP, day.end)
    shop = Shop(tmp_path)
    shop.drop(line())
    store.note_reached("shop", FIRST)
    assert _missed(store, shop.connection, day) == day
