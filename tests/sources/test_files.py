"""Dropped files: encodings, damaged files refused with their row, header rows, Excel, the order of drops."""

from __future__ import annotations

import csv
import io
import os
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from pipelines.sources import files
from pipelines.sources.connection import Sheet, SourceError
from pipelines.sources.files import drop_files, read_sheets, require


def read(path: Path, data: bytes | str, **options: Any) -> Sheet:
    file = path / "drop.csv"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    (sheet,) = read_sheets(file, **options)
    return sheet


def book(path: Path, *sheets: tuple[str, list[list[Any]]], name: str = "drop.xlsx") -> Path:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets:
        worksheet = workbook.create_sheet(title)
        for row in rows:
            worksheet.append(row)
    workbook.save(path / name)
    return path / name


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "drop.csv is empty"),
        (b" \r\n", "drop.csv is empty"),
        (b"a,b\r\n1,2\r\n3\0,4\r\n", "drop.csv row 3: NUL byte at byte 11"),
        ("a,b\n1,2".encode("utf-16"), "UTF-16"),
        (b"a,b\n1,2\n3\n", "drop.csv row 3: 1 cells where the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "drop.csv row 3: 3 cells where the header has 2"),
        (b'a,b\n1,"2\n3,4\n', "drop.csv row 2: .*quote"),
        (b'a,b\n1,"2"x\n', "drop.csv row 2: .*quote"),
        (b",\n1,2\n", "no header in its first row"),
        ("名前,値\nあいうえお,1\n".encode() + b"\xff\n", r"not UTF-8 \(byte 29\)"),
        ("\ufeff名前\nあ".encode() + b"\x81", r"not UTF-8 \(byte 13\)"),
        (b"a,b\n\x82\xa0,\xa0\n", r"not UTF-8 \(byte 4\) and not cp932 \(byte 7\)"),
        (b"a,b\n\x82\xa0,\x81\n", r"not UTF-8 \(byte 4\) and not cp932 \(byte 7\)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("piece", [files._PIECE, 5], ids=["at-once", "in-pieces"])
def test_a_damaged_file_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, data: bytes, message: str
) -> None:
    monkeypatch.setattr(files, "_PIECE", piece)
    with pytest.raises(SourceError, match=message):
        read(tmp_path, data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("piece", [files._PIECE, 3], ids=["at-once", "in-pieces"])
def test_encodings_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, end: str, piece: int) -> None:
    monkeypatch.setattr(files, "_PIECE", piece)
    sheet = read(tmp_path, end.join(["氏名,番号", "髙橋,①", ""]).encode(encoding))
    assert sheet.rows.to_dict("list") == {"氏名": ["髙橋"], "番号": ["①"]}
    assert sheet.rows.index.tolist() == [2]


def test_utf8_with_one_bad_byte_is_not_read_as_cp932(tmp_path: Path) -> None:
    damaged = "ああ\n".encode() + b"\xb1\n"
    assert damaged.decode("cp932") != damaged.decode("utf-8", "replace")  # cp932 would read it as something else
    with pytest.raises(SourceError, match=r"drop.csv is not UTF-8 \(byte 7\); export it again"):
        read(tmp_path, damaged)


def test_an_encoding_that_is_named_is_the_only_one_tried(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not UTF-8"):
        read(tmp_path, "氏名\n髙橋\n".encode("cp932"), encoding="utf-8")
    with pytest.raises(SourceError, match="not cp932"):
        read(tmp_path, "a\n\u00e9\u00e8\u00e0,\n".encode("latin-1") + b"\xfd", encoding="cp932")


def test_rows_are_numbered_as_in_a_spreadsheet_and_blank_ones_left_out(tmp_path: Path) -> None:
    sheet = read(tmp_path, 'a,b\n1,\n,\n\n"2\n2",x\n3,NA\n')
    assert sheet.file == "drop.csv"
    assert sheet.rows.index.tolist() == [2, 5, 6]
    assert sheet.rows.to_dict("list") == {"a": ["1", "2\n2", "3"], "b": ["", "x", "NA"]}


def test_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    sheet = read(tmp_path, "a,b\n")
    assert list(sheet.rows.columns) == ["a", "b"]
    assert sheet.rows.empty


def test_a_repeated_header_gets_a_suffix(tmp_path: Path) -> None:
    sheet = read(tmp_path, "送料,送料,送料.1,送料\n1,2,3,4\n")
    assert sheet.rows.iloc[0].to_dict() == {"送料": "1", "送料.2": "2", "送料.1": "3", "送料.3": "4"}


def test_further_header_rows_are_kept_in_column_order(tmp_path: Path) -> None:
    sheet = read(tmp_path, "Q1,Q1\nHow?,Why?\n{1},{2}\n5,x\n", header_rows=3)
    assert sheet.rows.attrs["headers"] == [["Q1", "Q1"], ["How?", "Why?"], ["{1}", "{2}"]]
    assert sheet.rows.to_dict("index") == {4: {"Q1": "5", "Q1.1": "x"}}


def test_a_file_without_header_and_other_delimiters(tmp_path: Path) -> None:
    assert read(tmp_path, "1\t2\n", header=["a", "b"], delimiter="\t").rows.to_dict("index") == {1: {"a": "1", "b": "2"}}
    aligned = read(tmp_path, " 00004  1   29.33\r\n 00021 12    5.00\r\n", header=["id", "n", "usd"], whitespace=True)
    assert aligned.rows.to_dict("index") == {
        1: {"id": "00004", "n": "1", "usd": "29.33"},
        2: {"id": "00021", "n": "12", "usd": "5.00"},
    }
    with pytest.raises(SourceError, match="row 1: 3 cells where the header has 2"):
        read(tmp_path, "1 2 3\n", header=["a", "b"], whitespace=True)


CELL = st.text(
    st.characters(codec="cp932", exclude_characters="\0\x80\xa0\r¢£¬‖−〜", exclude_categories=["Cc", "Cs", "Co"]), max_size=8
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL.filter(bool)), max_size=6), st.sampled_from(["utf-8", "utf-8-sig", "cp932"]))
def test_every_cell_comes_back_as_it_was_written(tmp_path: Path, rows: list[tuple[str, str]], encoding: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("左", "右"), *rows])
    data = stream.getvalue()
    if data.encode("cp932", "replace").decode("cp932") != data:
        return  # a character cp932 maps to another one
    try:
        written = data.encode(encoding)
        if encoding == "cp932":
            written.decode("utf-8")
            return  # reads as UTF-8 too: nobody can tell
    except UnicodeDecodeError:
        pass
    options = {"encoding": "cp932"} if encoding == "cp932" else {}
    assert read(tmp_path, written, **options).rows.values.tolist() == [list(row) for row in rows]


def test_excel_cells_read_as_they_would_stand_in_a_csv(tmp_path: Path) -> None:
    values = [
        "00123",
        42,
        2.0,
        0.1,
        1e-07,
        True,
        date(2024, 1, 31),
        datetime(2024, 1, 31, 23, 59, 58, 999999),
        None,
        570306000000000000,
    ]
    file = book(tmp_path, ("回答", [[f"c{n}" for n in range(10)], values, [None] * 10, ["x"]]))
    (sheet,) = read_sheets(file)
    expected = ["00123", "42", "2", "0.1", "0.0000001", "TRUE", "2024-01-31", "2024-01-31 23:59:59", "", "5.70306000000000E+17"]
    assert sheet.file == "drop.xlsx"
    assert sheet.rows.loc[2].tolist() == expected
    assert sheet.rows.index.tolist() == [2, 4]
    assert sheet.rows.loc[4].tolist() == ["x", *[""] * 9]


def test_every_visible_worksheet_is_read_or_the_one_that_is_named(tmp_path: Path) -> None:
    file = book(tmp_path, ("one", [["a"], [1]]), ("empty", []), ("two", [["b"], [2]]))
    assert [(sheet.file, list(sheet.rows.columns)) for sheet in read_sheets(file)] == [
        ("drop.xlsx[one]", ["a"]),
        ("drop.xlsx[two]", ["b"]),
    ]
    assert [sheet.file for sheet in read_sheets(file, sheet="two")] == ["drop.xlsx"]
    with pytest.raises(SourceError, match=r"no worksheet three \(it has: one, empty, two\)"):
        list(read_sheets(file, sheet="three"))


def test_a_worksheet_that_states_a_wrong_size_is_read_whole(tmp_path: Path) -> None:
    file = book(tmp_path, ("one", [["a", "b"], [1, 2], [3, 4]]))
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet_xml = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B3"' in parts[sheet_xml]
    parts[sheet_xml] = parts[sheet_xml].replace(b'ref="A1:B3"', b'ref="A1:A1"')
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    (sheet,) = read_sheets(file)
    assert sheet.rows.values.tolist() == [["1", "2"], ["3", "4"]]


def test_a_cell_beside_the_table_is_not_lost_in_silence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"drop.xlsx row 3: 3 cells where the header has 2"):
        list(read_sheets(book(tmp_path, ("one", [["a", "b"], [1, 2], [3, 4, "note"]]))))


@pytest.mark.parametrize(("name", "message"), [("drop.xlsx", "cannot be opened as Excel"), ("drop.xls", "old Excel file")])
def test_what_is_no_workbook_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"no workbook")
    with pytest.raises(SourceError, match=message):
        list(read_sheets(tmp_path / name))


def test_drops_come_old_to_new_without_hidden_and_unfinished_files(tmp_path: Path) -> None:
    for name, when in (
        ("b.csv", 200),
        ("a.csv", 300),
        ("c.csv", 200),
        (".hidden.csv", 1),
        ("~$a.xlsx", 1),
        ("d.csv.crdownload", 1),
        ("e.part", 1),
    ):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (when, when))
    (tmp_path / "folder.csv").mkdir()
    assert [file.name for file in drop_files(tmp_path, "*")] == ["b.csv", "c.csv", "a.csv"]
    assert [file.name for file in drop_files(tmp_path, "c*")] == ["c.csv"]
    assert drop_files(tmp_path / "a.csv", "*") == [tmp_path / "a.csv"]
    with pytest.raises(SourceError, match="nowhere does not exist"):
        drop_files(tmp_path / "nowhere", "*")


def test_all_missing_columns_are_named_with_a_near_match() -> None:
    sheet = Sheet("orders.csv", pd.DataFrame(columns=["受注日時", "価格"]))
    require(sheet, ["価格"])
    with pytest.raises(
        SourceError,
        match=r"^orders.csv has no column 受注日, 個数 \(it has: 受注日時, 価格\); did you mean 受注日時 for 受注日\?",
    ):
        require(sheet, ["受注日", "価格", "個数"])
