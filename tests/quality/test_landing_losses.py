"""What must not slip through a landing: rows that vanish with their files, days in the future, folders open to everybody."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from shops import KEYS, Shop, line

from pipelines.landing import land
from pipelines.sources.connection import Window
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch


def test_an_emptied_folder_of_a_small_shop_is_refused_and_its_rows_stay(shop: Shop) -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(20)]
    file = shop.drop(*(line(f"A{day:%d}", day=str(day)) for day in days))
    assert not shop.land("2024-01-01", "2024-01-31").refused
    file.unlink()
    refused = shop.land("2024-01-01", "2024-01-31").refused["shop"]
    assert "20 of the 20 rows landed for 2024-01-01 to 2024-01-20 are gone" in refused
    assert len(shop.rows("orders")) == 20
    assert not shop.land("2024-01-01", "2024-01-31", accept_shrink=True).refused
    assert shop.rows("orders") == []


def test_a_closed_day_is_refused_once_and_accepted_on_request(tmp_path: Path) -> None:
    shop = Shop(tmp_path, daily=True)
    wednesdays = [date(2024, 1, 31) - timedelta(days=7 * week) for week in range(1, 5)]
    shop.drop(*(line(f"{day:%m%d}-{number}", day=str(day)) for day in wednesdays for number in range(12)))
    assert "2024-01-31 has 0 rows, that weekday usually 12" in shop.land("2024-01-01", "2024-01-31").refused["shop"]
    assert not shop.land("2024-01-01", "2024-01-31", accept_shrink=True).refused


def test_an_order_dated_in_the_future_is_told_and_waits_for_its_day(shop: Shop) -> None:
    shop.drop(line("A1", day="2024-01-31"), line("A2", day="2062-06-01"))
    said: list[str] = []
    shop.land("2024-01-01", "2024-01-31", log=said.append)
    assert "shop: 1 orders are dated in the future and wait for their day" in said
    assert [row["order_id"] for row in shop.rows("orders")] == ["A1"]
    window = Window(date(2062, 6, 1), date(2062, 6, 1))
    batch = Batch("later", datetime(2062, 6, 2, tzinfo=UTC))
    land([shop.connection], window, shop.home, Pseudonymiser(KEYS), batch)
    assert [row["order_id"] for row in shop.rows("orders")] == ["A1", "A2"]


def test_landed_and_quarantined_rows_are_for_the_owner_alone(shop: Shop) -> None:
    shop.drop(line("A1"))
    shop.land("2024-01-01", "2024-01-31")
    for folder in ("landing", "quarantine", "staging"):
        assert stat.S_IMODE((shop.home / folder).stat().st_mode) == 0o700
