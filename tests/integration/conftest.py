"""Fixtures: each starts and fills one server on a loopback port and ends it, by its process id, when the session is over.

`make test-integration` runs them; `make test` does not, since what they install takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.integration.bluesky.server import Bluesky
from tests.integration.install import Missing
from tests.integration.oscar.server import ORDERS, Oscar
from tests.integration.pretalx.server import FORMS, Pretalx
from tests.integration.vendure.server import Vendure

Server = TypeVar("Server")


@pytest.fixture(scope="session")
def oscar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oscar]:
    """A django-oscar shop with `ORDERS` orders."""
    shop = _or_skip(Oscar, tmp_path_factory.mktemp("oscar"))
    try:
        shop.place(0, ORDERS)
        shop.start()
        yield shop
    finally:
        shop.process.stop()


@pytest.fixture(scope="session")
def vendure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendure]:
    """A Vendure shop with its products and no order yet."""
    shop = _or_skip(Vendure, tmp_path_factory.mktemp("vendure"))
    try:
        shop.start()
        yield shop
    finally:
        shop.process.stop()


@pytest.fixture(scope="session")
def pretalx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretalx]:
    """A pretalx questionnaire with `FORMS` forms of four answers."""
    form = _or_skip(Pretalx, tmp_path_factory.mktemp("pretalx"))
    try:
        form.hand_in(0, FORMS)
        form.start()
        yield form
    finally:
        form.process.stop()


@pytest.fixture(scope="session")
def data_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluesky]:
    """A Bluesky data server alone, with one account."""
    server = _or_skip(Bluesky, tmp_path_factory.mktemp("data_server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def bluesky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bluesky]:
    """The full network of Bluesky: our account with its posts, and three people who like, reply, repost, follow and mention."""
    network = _or_skip(lambda folder: Bluesky(folder, "full"), tmp_path_factory.mktemp("bluesky"))
    try:
        network.start()
        yield network
    finally:
        network.stop()


def _or_skip(kind: Callable[[Path], Server], folder: Path) -> Server:
    try:
        return kind(folder)
    except Missing as missing:
        pytest.skip(str(missing))
