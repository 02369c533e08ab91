"""What the bench says of a process is what that process took."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.measured import measure

MEGABYTE = 1_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not tell a process's own peak")
def test_memory_is_that_of_the_process_and_not_of_the_one_that_measures_it(tmp_path: Path) -> None:
    held = bytearray(b"x" * (400 * MEGABYTE))
    code = "import time; held = b'x' * 100_000_000; del held; time.sleep(1)"
    found = measure([sys.executable, "-c", code], {}, tmp_path / "log", tmp_path)
    assert len(held) == 400 * MEGABYTE
    assert 100 * MEGABYTE < found.peak < 200 * MEGABYTE
