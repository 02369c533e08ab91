"""Fixtures of the tests of the way from file to release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from shops import Shop


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
