"""A pull goes page by page: it holds a page or two of its list, tells how far it is, and keeps a pace with others."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest
from shops import KEYS
from test_live_conformance import DAY, NOON
from vendors.base import NIGHT, NightClock, served
from vendors.woocommerce import WooOrders

from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.ec.rest import RestShop
from pipelines.sources.http import Api
from pipelines.sources.live import Page
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Means, pull

PAGES, SIZE = 12, 1000


class Records(list[dict[str, Any]]):
    """A page's records, which can be seen to be let go of."""


class Endless(RestShop):
    """A shop with a long list: each page takes ten seconds."""

    held: ClassVar[list[int]] = []

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        given: list[weakref.ref[Records]] = []
        for number in range(PAGES):
            records = Records({"id": f"{number}-{place}", "at": NOON.isoformat()} for place in range(SIZE))
            given.append(weakref.ref(records))
            page = Page("orders", number + 1, number * SIZE + 1, records, api.clock.now())
            del records
            yield page
            del page
            gc.collect()
            self.held.append(sum(one() is not None for one in given))
            api.clock.sleep(10)


def test_a_page_is_let_go_of_before_the_next_but_one_is_asked_for(tmp_path: Path) -> None:
    columns = {"order_id": "id", "updated_at": "at", "ordered_at": "at"}
    entry = {"name": "shop", "kind": "rest", "url": "https://shop.example.com"}
    connection = Endless.model_validate({**entry, "streams": {"orders": {"table": "orders", "columns": columns}}})
    said: list[str] = []
    window, batch = Window(DAY, DAY), Batch("run-1", NIGHT)
    pulled = pull(connection, tmp_path, Pseudonymiser(KEYS), batch, window, Means(clock=NightClock(), tell=said.append))
    assert (pulled.error, pulled.pages, pulled.rows["orders"]) == (None, PAGES, PAGES * SIZE)
    assert len(Endless.held) == PAGES
    assert max(Endless.held) <= 1
    # Every 15 seconds at most, so after every other page.
    assert said[:2] == ["orders page 3, 3,000 rows so far", "orders page 5, 5,000 rows so far"]
    assert len(said) == PAGES // 2 - 1
    file = pq.ParquetFile(tmp_path / "ec.orders" / "shop.parquet")
    assert file.metadata.num_rows == PAGES * SIZE
    assert file.metadata.num_row_groups > 1


@pytest.mark.parametrize(("secret", "waits"), [("WOOCOMMERCE_SECRET", 3), ("OTHER_SECRET", 2)])
def test_connections_of_one_server_and_secret_keep_its_pace_together(tmp_path: Path, secret: str, waits: int) -> None:
    vendor = WooOrders()
    secrets = Secrets({**vendor.secrets, "OTHER_SECRET": vendor.secrets["WOOCOMMERCE_SECRET"]})
    means, window = Means(secrets, NightClock()), Window(DAY, DAY)
    with served(vendor) as url:
        for name, own in (("one", "WOOCOMMERCE_SECRET"), ("two", secret)):
            connection = vendor.connection(url, name=name, secret=own, limits={"per_minute": 60})
            pulled = pull(connection, tmp_path, Pseudonymiser(KEYS), Batch("run-1", NIGHT), window, means)
            assert (pulled.error, pulled.requests) == (None, 2)
    assert means.clock.slept == [pytest.approx(1)] * waits
