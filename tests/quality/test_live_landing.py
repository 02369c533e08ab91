"""Live connections at the door: one that fails leaves the others alone, and a record that moved on is no loss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from shops import KEYS, Shop, line
from vendors.base import NIGHT, NightClock, Reply, Request, iso, served
from vendors.generic import LinkedShop

from pipelines.landing import Landing, land
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from pipelines.store import Store

DAY = date(2026, 11, 26)
NOON = datetime(2026, 11, 26, 3, tzinfo=UTC)


class Company:
    """A live shop beside a shop that drops files, in one landing zone."""

    def __init__(self, root: Path, url: str, vendor: LinkedShop) -> None:
        self.vendor = vendor
        self.files = Shop(root, "files")
        self.live = vendor.connection(url, daily=False)
        self.home = self.files.home
        self.clock = NightClock()
        self.said: list[str] = []

    def seed(self, count: int, moment: datetime = NOON) -> None:
        first = len(self.vendor.records) + 1
        self.vendor.records += [self.vendor.record(first + n, moment + timedelta(minutes=n)) for n in range(count)]

    def night(self, day: date = DAY, secrets: dict[str, str] | None = None) -> Landing:
        given = Secrets(self.vendor.secrets if secrets is None else secrets)
        batch = Batch(f"run-{day}-{len(self.said)}", NIGHT + timedelta(days=(day - DAY).days))
        return land(
            [self.live, self.files.connection], Window(day, day), self.home, Pseudonymiser(KEYS), batch, secrets=given,
            clock=self.clock, log=self.said.append,
        )  # fmt: skip

    def rows(self, name: str) -> list[dict[str, Any]]:
        files = sorted((Store(self.home).landing / "ec" / name).glob(f"month=*/{self.live.name}.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    vendor = LinkedShop()
    with served(vendor) as url:
        yield Company(tmp_path, url, vendor)


def test_a_source_that_dies_midway_is_named_the_others_land_and_the_next_night_has_everything(company: Company) -> None:
    company.seed(8)
    company.files.drop(line("F1", "2026-11-26"))
    answered: list[Request] = []

    def die(request: Request) -> Reply | None:
        answered.append(request)
        return Reply(status=0) if len(answered) > 1 else None

    company.vendor.traps.append(die)
    landed = company.night()
    assert set(landed.refused) == {company.live.name}
    assert "does not answer" in landed.refused[company.live.name]
    assert company.rows("orders") == []
    assert [row["order_id"] for row in company.files.rows("orders")] == ["F1"]

    company.vendor.traps.clear()
    landed = company.night()
    assert landed.refused == {}
    assert {row["order_id"] for row in company.rows("orders")} == {f"A{number}" for number in range(1, 9)}
    assert len(company.rows("order_lines")) == 16
    assert landed.work[company.live.name].startswith("3 pages in 3 requests")


def test_a_secret_that_is_not_set_is_named(company: Company) -> None:
    company.seed(1)
    assert "LINKED_TOKEN is not set" in company.night(secrets={}).refused[company.live.name]
    assert company.vendor.requests == []


def test_records_that_moved_to_a_later_day_are_no_loss_and_vanished_ones_are(company: Company) -> None:
    company.seed(12)
    assert company.night().refused == {}
    for record in company.vendor.records:
        record["changed"] = iso(NOON + timedelta(days=1))
    assert company.night(DAY + timedelta(days=1)).refused == {}
    assert company.night(DAY).refused == {}  # asked for that day alone, the source gives none of them
    assert {row["change_date"] for row in company.rows("orders")} == {DAY + timedelta(days=1)}

    company.vendor.records = company.vendor.records[:2]
    refused = company.night(DAY + timedelta(days=1)).refused
    assert "10 of the 12 rows landed for 2026-11-27 are gone" in refused[company.live.name]
