"""Fixtures of the tests of the way from file to release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from shops import Shop
from vendors.base import served
from vendors.scripted import Server

# No test asserts seconds: a busy machine is no defect.
settings.register_profile("engagement", deadline=None)
settings.load_profile("engagement")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop without files."""
    return Shop(tmp_path)


@pytest.fixture
def content() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    """Time of modification and bytes of every file below a folder."""

    def read(folder: Path) -> dict[str, tuple[int, bytes]]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    return read


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In parallel runs a file stays in one process, and so do all tests of one company: its first night takes a minute."""
    for item in items:
        companies = sorted({"samples", "small_company"} & set(getattr(item, "fixturenames", ())))
        item.add_marker(pytest.mark.xdist_group(companies[0] if companies else item.path.name))


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server that does what the test says."""
    made = Server()
    with served(made.vendor) as url:
        made.url = url
        yield made
