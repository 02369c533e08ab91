"""The quick ways of reading give what the careful ones give: plain CSV by Arrow, plain columns at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.sources import cells, files, quick
from pipelines.sources.connection import SourceError
from pipelines.sources.csvs import Plain
from pipelines.sources.layouts import local_day

TOKYO, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
DAYS = ["2024-01-31", "2024/1/31", "2024/01/31", "2024-01/31", "2024-02-30", "1899-12-31", "2038-07-15", "令和6年1月31日"]
CLOCKS = ["", " 09:05", "T23:59:59", " 10:00:00.25", " 24:00", " 9:05", " 09:05:60"]
OFFSETS = ["", " +0900", "+09:00", "-0330", " +2500", "Z", " JST"]
MOMENTS = st.builds("{}{}{}".format, st.sampled_from(DAYS), st.sampled_from(CLOCKS), st.sampled_from(OFFSETS))
# In Berlin the one hour does not occur, the other one twice.
CHANGES = ["2024-03-31 02:30", "2024-10-27 02:30", "2024-10-27 01:59:59"]
NUMBERS = ["0", "-0", "007", "1200", "-3.50", "12345678901234567", "+5", "1,200", "5円", "５", "1E+3", "85%", "."]
IDS = ["A-1", "0012", "#1001", "#N/A", "#REF!", "##", "1E+05", "1e5", "A 1", " A1", "Ａ１", "é", "x\u3000", "-", "+"]

READERS: dict[str, tuple[Callable[[pd.Series[Any]], pd.Series[Any]], st.SearchStrategy[str]]] = {
    "text": (cells.text, st.sampled_from([*IDS, "煎茶 1号", "\u200bx", "a\n"])),
    "identifier": (cells.identifier, st.sampled_from(IDS)),
    "money": (cells.money, st.sampled_from(NUMBERS)),
    "number": (cells.number, st.sampled_from(NUMBERS)),
    "integer": (cells.integer, st.sampled_from(NUMBERS)),
    "timestamp": (partial(cells.timestamp, zone=TOKYO), MOMENTS),
    "timestamp where clocks change": (partial(cells.timestamp, zone=BERLIN), MOMENTS | st.sampled_from(CHANGES)),
}
NOT_PLAIN = "\u3000?"  # a column with this cell is read one by one


def column(texts: list[str]) -> pd.Series[Any]:
    return pd.Series(texts, dtype="str", name="Cell")


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_column_read_at_once_is_the_same_as_cell_by_cell(name: str, data: st.DataObject) -> None:
    read, written = READERS[name]
    texts = data.draw(st.lists(written | st.sampled_from(["", " "]), max_size=3) | st.lists(written, max_size=1))
    at_once, one_by_one = read(column(texts)), read(column([*texts, NOT_PLAIN])).iloc[:-1]
    assert list(map(repr, at_once)) == list(map(repr, one_by_one))


def test_the_day_of_a_far_moment_is_that_of_its_summer() -> None:
    """Arrow knows when clocks change until 2037."""
    for year in (2024, 2037, 2040):
        moments = pd.Series([datetime(year, 6, 30, 22, 30, tzinfo=UTC), None], dtype=object)
        assert local_day(moments, BERLIN).tolist() == [date(year, 7, 1), None]


def test_plain_columns_are_read_at_once() -> None:
    def given(*texts: str) -> pa.Array:
        return pa.array(texts)

    assert quick.texts(given("煎茶", "")).tolist() == ["煎茶", None]
    assert quick.identifiers(given("#1001", "A 1")).tolist() == ["#1001", "A 1"]
    assert quick.numbers(given("-3.50", ""), float).tolist() == [-3.5, None]
    assert len(quick.times(given("2024-01-31 10:00:00", "2024/01/31", ""), TOKYO)) == 3
    assert len(quick.times(given("2024-01-31 10:00:00 +0900"), TOKYO)) == 1
    assert quick.times(given(CHANGES[0]), BERLIN) is None
    assert quick.times(given(CHANGES[1]), BERLIN) is None


def read(file: Path, delimiter: str, block: int, piece: int, is_quick: bool) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        patch.setattr(files, "_PIECE", piece)
        if not is_quick:
            patch.setattr(Plain, "take", lambda _: None)
        try:
            blocks: list[pd.DataFrame] = []

            def cut(of_file: Any) -> Any:
                blocks.extend(of_file())
                return iter(())

            list(files.read_sheets(file, delimiter=delimiter, cut=cut))
        except SourceError as error:
            return str(error)
    rows = [(number, *cells) for block in blocks for number, *cells in block.itertuples()]
    return [*blocks[0].columns], blocks[0].attrs, rows


CELLS = st.sampled_from(["", "a", "煎茶", '"a,b"', '"a\nb"', '"a""b"', '""', 'a"b', '"a"b', '"', "a\r", " ", "\ufeff", "\ufeffa"])
RECORDS = st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    records=RECORDS, end=st.sampled_from(["\n", "\r\n", "\r"]), delimiter=st.sampled_from([",", "\t"]), last=st.booleans(),
    block=st.integers(1, 4), piece=st.integers(5, 60),
)  # fmt: skip
@example(records=[["a", "b", "c"]] * 5, end="\n", delimiter=",", last=False, block=2, piece=9)
@example(records=[["\ufeff"], ["a", "b", "c"]], end="\n", delimiter=",", last=True, block=2, piece=9)
@example(records=[['"a\nb"', '""', '"a""b"']] * 5, end="\r\n", delimiter=",", last=True, block=2, piece=9)
def test_a_plain_csv_is_the_same_as_record_by_record(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[list[str]],
    end: str,
    delimiter: str,
    last: bool,
    block: int,
    piece: int,
) -> None:
    file = tmp_path_factory.mktemp("drop") / "orders.csv"
    lines = [delimiter.join(cells) for cells in [["x", "y", "z"], *records]]
    file.write_bytes((end.join(lines) + (end if last else "")).encode())
    at_once, one_by_one = (read(file, delimiter, block, piece, is_quick) for is_quick in (True, False))
    assert at_once == one_by_one


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_quoted_cells_and_japanese_are_plain(tmp_path: Path, encoding: str) -> None:
    text = 'x,y\r\n"煎茶, 1号","a ""b"" c"\r\n"表\r\n示",\r\n'
    (tmp_path / "orders.csv").write_bytes(text.encode(encoding))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_block", lambda *_: pytest.fail("read record by record"))
        (sheet,) = files.read_sheets(tmp_path / "orders.csv")
    assert sheet.rows.to_dict("split")["data"] == [["煎茶, 1号", 'a "b" c'], ["表\r\n示", ""]]
    assert sheet.rows.index.tolist() == [2, 3]
