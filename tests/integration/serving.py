"""A server for as long as it is needed, where this machine has what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import pytest

from tests.integration.install import Missing


class Server(Protocol):
    """What every server here can do."""

    def stop(self) -> None: ...


Made = TypeVar("Made", bound=Server)
Needed = TypeVar("Needed")


@contextmanager
def ended(make: Callable[[], Made]) -> Iterator[Made]:
    """A server that is ended whatever happens."""
    server = needed(make)
    try:
        yield server
    finally:
        server.stop()


def needed(make: Callable[[], Needed]) -> Needed:
    """What is made; where its runtime is missing the test is skipped, but fails where $SERVERS_EXPECTED says that it is there."""
    try:
        return make()
    except Missing as missing:
        if "SERVERS_EXPECTED" in os.environ:
            pytest.fail(f"{missing}, although it should be")
        pytest.skip(str(missing))
