"""Nights that a live source was down: the next one that reaches it lands them too, even where the first of all was missed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shops import KEYS
from vendors.base import NightClock, Reply, served
from vendors.generic import LinkedShop

from pipelines import door
from pipelines.landing import land
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch

DAYS = [date(2026, 10, day) for day in (1, 2, 3, 4)]


class OpenGate:
    """Lets everything pass: the rules have suites of their own (tests/quality)."""

    def __init__(self, database: Path) -> None:
        del database

    def __enter__(self) -> OpenGate:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, *_: object, **__: object) -> list[object]:
        return []


@pytest.mark.parametrize("landed_before", [False, True])
def test_the_night_after_lands_every_missed_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landed_before: bool) -> None:
    monkeypatch.setattr(door, "Gate", OpenGate)
    vendor = LinkedShop()
    noons = [datetime(day.year, day.month, day.day, 3, tzinfo=UTC) for day in DAYS]  # in Tokyo
    vendor.records = [vendor.record(number, noon) for number, noon in enumerate(noons, start=1)]
    with served(vendor) as url:
        shop = vendor.connection(url, limits={"attempts": 1})

        def night(day: date, is_down: bool) -> list[date]:
            """Land a day; the days of all orders that lie in the landing zone then."""
            vendor.traps = [lambda _: Reply(status=503)] if is_down else []
            clock = NightClock(datetime(day.year, day.month, day.day, 17, tzinfo=UTC))
            batch, secrets = Batch(f"run-{day}", clock.time), Secrets(vendor.secrets)
            landed = land([shop], Window(day, day), tmp_path, Pseudonymiser(KEYS), batch, secrets=secrets, clock=clock)
            assert ("linked" in landed.refused) == is_down
            files = tmp_path.glob("landing/ec/orders/month=*/linked.parquet")
            return sorted(found for file in files for found in pq.read_table(file)["change_date"].to_pylist())

        if landed_before:
            assert night(DAYS[0], is_down=False) == DAYS[:1]
        assert night(DAYS[1], is_down=True) == DAYS[:landed_before]
        assert night(DAYS[2], is_down=True) == DAYS[:landed_before]
        assert night(DAYS[3], is_down=False) == DAYS[not landed_before :]
