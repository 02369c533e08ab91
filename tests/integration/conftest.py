"""Fixtures: each starts and fills one server on a loopback port and ends it, by its process id, after the last test here.

`make test-integration` and `.ci/run` run them; `make test` does not, since what they install takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.integration.bluesky.server import Bluesky
from tests.integration.install import installed
from tests.integration.oscar.server import ORDERS, Oscar
from tests.integration.pretalx.server import FORMS, Pretalx
from tests.integration.processes import adopt_orphans, descendants
from tests.integration.pulling import FIRST_NIGHT
from tests.integration.serving import ended, needed
from tests.integration.vendure.server import PURCHASES, Vendure

FIVE_O_CLOCK = datetime.combine(FIRST_NIGHT, time(8), UTC)  # in the afternoon in Tokyo
GONE = 10  # seconds until what was ended must be gone


@pytest.fixture(scope="package", autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Torn down last, since it is made first: no process that a server here was or has started lives on."""
    adopt_orphans()
    before = descendants()
    yield
    deadline = monotonic() + GONE
    while (left := {process: command for process, command in descendants().items() if process not in before}) and (
        monotonic() < deadline
    ):
        sleep(0.1)
    assert left == {}


@pytest.fixture(scope="package")
def oscar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oscar]:
    """A django-oscar shop with `ORDERS` orders, the last of them placed now."""
    with ended(lambda: Oscar(tmp_path_factory.mktemp("oscar"))) as shop:
        shop.place(0, ORDERS)
        shop.start()
        yield shop


@pytest.fixture(scope="package")
def vendure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendure]:
    """A Vendure shop with its products and `PURCHASES` orders of `FIRST_NIGHT`."""
    with ended(lambda: Vendure(tmp_path_factory.mktemp("vendure"), FIVE_O_CLOCK)) as shop:
        shop.start()
        shop.place(0, PURCHASES)
        yield shop


@pytest.fixture(scope="package")
def pretalx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretalx]:
    """A pretalx questionnaire with `FORMS` forms of four answers."""
    with ended(lambda: Pretalx(tmp_path_factory.mktemp("pretalx"))) as form:
        form.hand_in(0, FORMS)
        form.start()
        yield form


@pytest.fixture(scope="package")
def data_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluesky]:
    """A Bluesky data server alone, with one account."""
    with ended(lambda: Bluesky(tmp_path_factory.mktemp("data_server"))) as server:
        server.start()
        yield server


@pytest.fixture(scope="package")
def bluesky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluesky]:
    """The full network of Bluesky: our account with its posts, and three people who like, reply, repost, follow and mention.

    The mentions are of `FIRST_NIGHT`.
    """
    with ended(lambda: Bluesky(tmp_path_factory.mktemp("bluesky"), "full", FIVE_O_CLOCK)) as network:
        network.start()
        yield network


@pytest.fixture(scope="package")
def shopify() -> Path:
    """The folder that holds the versions of the schema of Shopify's Admin API."""
    return needed(lambda: installed("shopify"))
