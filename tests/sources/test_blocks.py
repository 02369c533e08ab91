"""A long file is read in blocks: the same rows are staged as if it were read whole, whatever a block's end cuts through."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shops import HEADER, KEYS, line

from pipelines.settings import PROJECT, read_connections
from pipelines.sources import files
from pipelines.sources.blocks import in_blocks
from pipelines.sources.connection import FileConnection
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.ec.shopify_csv import ShopifyCsv
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, pull

BATCH = Batch("run-1", datetime(2026, 1, 1, tzinfo=UTC))
WHOLE = 1_000_000
Staged = dict[str, list[dict[str, Any]]]
Read = Callable[[FileConnection, int], Staged]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What is staged of a connection whose files are read so many rows at a time."""

    def read(connection: FileConnection, block: int) -> Staged:
        stage = tmp_path_factory.mktemp("stage")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "BLOCK", block)
            pulled = pull(connection, stage, Pseudonymiser(KEYS), BATCH)
        assert pulled.error is None
        rows = {file.parent.name: pq.ParquetFile(file).read().to_pylist() for file in stage.rglob("*.parquet")}
        assert {name.split(".")[1]: len(found) for name, found in rows.items()} == {
            name: count for name, count in pulled.rows.items() if f"{connection.source}.{name}" in rows
        }
        return {name: sorted(found, key=str) for name, found in rows.items()}

    return read


SAMPLES = read_connections(PROJECT / "connections.yaml").connections


@pytest.mark.parametrize(("name", "block"), [(name, 997 if SAMPLES[name].source == "ec" else 7) for name in SAMPLES])
def test_the_samples_give_the_same_rows_in_blocks(staged: Read, name: str, block: int) -> None:
    connection = SAMPLES[name]
    assert isinstance(connection, FileConnection)
    at_once = staged(connection, WHOLE)
    assert sum(map(len, at_once.values())) > block
    assert staged(connection, block) == at_once


@pytest.mark.parametrize("name", [name for name, connection in SAMPLES.items() if connection.source in ("ec", "sns", "plan")])
def test_a_file_is_never_held_whole(name: str) -> None:
    connection = SAMPLES[name]
    assert isinstance(connection, FileConnection)
    (path, *_) = files.drop_files(connection.path, connection.pattern)
    options = {"encoding": connection.encoding, **connection.read_options()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", 3)
        sheets = [len(sheet.rows) for sheet in files.read_sheets(path, cut=partial(in_blocks, connection), **options)]
    assert len(sheets) > 1
    assert max(sheets) < sum(sheets)


def shop(folder: Path, lines: list[str], **options: Any) -> MappedCsv:
    file = folder / "orders.csv"
    file.write_text("\n".join([",".join(HEADER.values()), *lines]) + "\n", encoding="utf-8")
    columns = {name: header for name, header in HEADER.items() if name not in options.pop("without", ())}
    return MappedCsv(name="shop", kind="mapped_csv", path=folder, columns=columns, **options)


LINES = st.lists(
    st.builds(
        line,
        st.sampled_from(["A1", " A1", "Ａ１", "A2", "A3", "A4", "A5", "", "1E+05"]),
        st.sampled_from(["2024-01-31", "2024-02-01", "nonsense"]),
        Item=st.sampled_from(["mug", "cup", ""]),
        Amount=st.sampled_from(["500", "-500", "x"]),
        State=st.sampled_from(["paid", "cancelled"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=30, deadline=None)
@given(lines=LINES, block=st.integers(1, 7), is_order_per_row=st.booleans())
def test_scattered_orders_are_read_whole_at_their_end(
    staged: Read, tmp_path_factory: pytest.TempPathFactory, lines: list[str], block: int, is_order_per_row: bool
) -> None:
    options = {"order_id_per_row": is_order_per_row, "cancellation": {"negative": "amount"}, "without": ("line_no",)}
    connection = shop(tmp_path_factory.mktemp("drop"), lines, **options)
    assert staged(connection, block) == staged(connection, WHOLE)


SHOPIFY = "Name,Created at,Currency,Total,Lineitem quantity,Lineitem price,Lineitem name,Lineitem sku"
NEXT_ROW = st.tuples(st.sampled_from(["#1", "#2", "#3", ""]), st.sampled_from(["mug", "cup"]))


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(NEXT_ROW, max_size=25), block=st.integers(1, 6))
def test_rows_below_each_other_are_one_order_and_further_down_another(
    staged: Read, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], block: int
) -> None:
    folder = tmp_path_factory.mktemp("drop")
    lines = [f"{name},2024-01-31 10:00:00 +0900,JPY,1100,1,1100,{sku},{sku}" for name, sku in [("#1", "mug"), *rows]]
    (folder / "orders_export.csv").write_text("\n".join([SHOPIFY, *lines]), encoding="utf-8")
    connection = ShopifyCsv(name="shop", kind="shopify_csv", path=folder)
    assert staged(connection, block) == staged(connection, WHOLE)


def test_a_row_that_is_wrong_far_down_takes_the_whole_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 10)
    (tmp_path / "drop").mkdir()
    connection = shop(tmp_path / "drop", [*(line(f"A{number}") for number in range(99)), "one cell"])
    pulled = pull(connection, tmp_path / "stage", Pseudonymiser(KEYS), BATCH)
    assert "orders.csv row 101: 1 cells where the header has 11" in str(pulled.error)
    assert list((tmp_path / "stage").rglob("*.parquet")) == []


PEAK = """
import sys, tempfile
from pathlib import Path
from pipelines.sources import files, pseudonym
files.BLOCK, pseudonym.KNOWN, files._PIECE = 2_000, 2_000, 1 << 20
from test_blocks import BATCH, KEYS, MappedCsv, HEADER, Pseudonymiser, pull
connection = MappedCsv(name="shop", kind="mapped_csv", path=Path(sys.argv[1]), columns=HEADER)
with tempfile.TemporaryDirectory() as stage:
    assert pull(connection, Path(stage), Pseudonymiser(KEYS), BATCH).error is None
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not tell a process's own peak")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Read whole, a file took 17 bytes of memory for each of its own."""
    peaks, sizes = [], []
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'tests'}"}
    for count in (20_000, 120_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        day = "2024-{0:02}-{1:02}"
        lines = (
            line(f"A{n:07}", day.format(1 + n // 20_000, 1 + n // 700 % 28), Buyer=f"C{n}", Mail=f"c{n}@example.com")
            for n in range(count)
        )
        shop(folder, list(lines))
        sizes.append((folder / "orders.csv").stat().st_size)
        command = [sys.executable, "-c", PEAK, str(folder)]
        run = subprocess.run(command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, check=True)
        peaks.append(1024 * int(run.stdout))
    assert peaks[1] - peaks[0] < 5 * (sizes[1] - sizes[0])

