"""Dropped files to sheets of text: encodings, delimiters, header rows, Excel.

Data flow: a drop folder -> `drop_files` (old to new) -> `read_sheets` -> `Sheet` (text, '' when blank), of a long file
one for each block -> a kind's `read`.

Nothing is repaired: a file that is neither UTF-8 nor cp932, holds a NUL byte, or has a row of another length than its header is
refused with its row, because a row that is read wrongly is worse than a night without the file. Wholly blank rows are left out.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.blocks import Cut, whole
from pipelines.sources.connection import Sheet, SourceError
from pipelines.sources.csvs import Plain, table
from pipelines.sources.masking import masked
from pipelines.sources.places import Place, failures, matching

_UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".tmp")
_UNDEFINED_IN_CP932 = "\x80\xa0\uf8f0\uf8f1\uf8f2\uf8f3"  # Python maps these unassigned bytes all the same
_EXCEL_DIGITS = 10**15  # a spreadsheet keeps 15 digits of a number
_PIECE = 1 << 24  # bytes of a file looked at once
BLOCK = 50_000  # rows of a file held at once, where its kind can read it in blocks


def drop_files(folder_or_file: Place, pattern: str = "*") -> list[Place]:
    """The dropped files from old to new by (modification time, name); hidden and unfinished ones are left out."""
    require_reach(folder_or_file)
    if folder_or_file.is_file():
        return [folder_or_file]
    if not folder_or_file.is_dir():
        raise SourceError(f"{folder_or_file} does not exist; create the drop folder or correct `path` in connections.yaml")
    found = (
        file
        for file in matching(folder_or_file, pattern)
        if file.is_file() and not file.name.startswith((".", "~$")) and not file.name.endswith(_UNFINISHED)
    )
    return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name))


def require_reach(folder: Place) -> None:
    """SourceError, in one line, where an object store does not answer or does not let us in."""
    if isinstance(folder, Path):
        return
    bucket = folder.path.split("/")[0]
    try:
        folder.fs.ls(bucket)
    except failures() as error:
        what = masked(f"{type(error).__name__}: {error}", 120)
        advice = "check the bucket and AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY in the environment"
        raise SourceError(f"s3://{bucket} cannot be read ({what}); {advice}") from None


def read_sheets(
    path: Place,
    *,
    encoding: str = "auto",
    delimiter: str = ",",
    header_rows: int = 1,
    header: list[str] | None = None,
    sheet: str | None = None,
    whitespace: bool = False,
    cut: Cut = whole,
) -> Iterator[Sheet]:
    """The sheets of one file as text: a CSV is one, an Excel file has one per visible worksheet that is not empty.

    `sheet` picks one worksheet. `header` names the columns of a file that has no header row; else the first of `header_rows`
    rows names them, and all of them stand in `rows.attrs["headers"]`. A repeated name gets a suffix: 送料, 送料.1. The index is
    the row number counted in records, as a spreadsheet shows it (a quoted line break does not begin a new row). Cells of Excel
    are given as they would stand in a CSV: ISO dates, whole numbers without `.0`, TRUE/FALSE; formulas by the value last saved.
    `cut` says how a long one is given: as a whole, or as several of the same name (see `blocks.py`).
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        for title, records in _worksheets(path, sheet):
            take = partial(_read, title, header_rows=header_rows, header=header, padded=True)
            for rows in cut(lambda take=take, records=records: take(iter(records))):  # type: ignore[misc]
                yield Sheet(title, rows)
    elif path.suffix.lower() == ".xls":
        raise SourceError(f"{path.name} is an old Excel file; save it as .xlsx or as CSV")
    else:
        with _opened(path) as data:
            codec = _codec(path.name, data, encoding)

            def blocks() -> Iterator[pd.DataFrame]:
                text = _utf8(data, codec)
                if whitespace:
                    return _read(path.name, _aligned(_lines(text)), header_rows=header_rows, header=header, padded=False)
                return _csv_blocks(path.name, Plain(text, delimiter), delimiter, header_rows, header)

            for rows in cut(blocks):
                yield Sheet(path.name, rows)


def require(sheet: Sheet, columns: Iterable[str]) -> None:
    """Raise SourceError naming every one of `columns` the sheet lacks, with the nearest name it has."""
    present = [str(column) for column in sheet.rows.columns]
    missing = [column for column in dict.fromkeys(columns) if column not in present]
    if not missing:
        return
    near = {column: get_close_matches(column, present, n=1, cutoff=0.6) for column in missing}
    hint = "".join(f"; did you mean {found[0]} for {column}?" for column, found in near.items() if found)
    message = (
        f"{sheet.file} has no column {', '.join(missing)} (it has: {', '.join(present)}){hint} "
        "Add the column to the export or correct its name in connections.yaml"
    )
    raise SourceError(" ".join(message.split()))  # one line, even where a header is two


def _opened(path: Place) -> BinaryIO:
    """The file's bytes, to be read more than once: held where they are few, for an object store sends them anew each time."""
    return BytesIO(path.read_bytes()) if path.stat().st_size <= _PIECE else path.open("rb")


def _pieces(data: BinaryIO) -> Iterator[bytes]:
    data.seek(0)
    return iter(lambda: data.read(_PIECE), b"")


def _codec(name: str, data: BinaryIO, encoding: str) -> str:
    """Python's name of the file's encoding; SourceError where the file is damaged or written in another one."""
    rows, offset, is_blank = 1, 0, True
    for piece in _pieces(data):
        if offset == 0 and piece.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise SourceError(f"{name} is UTF-16; save it as `CSV UTF-8`")
        nul = piece.find(b"\0")
        if nul >= 0:
            row = rows + piece.count(b"\n", 0, nul)
            raise SourceError(f"{name} row {row}: NUL byte at byte {offset + nul}; the file is damaged, drop it again")
        rows, offset, is_blank = rows + piece.count(b"\n"), offset + len(piece), is_blank and not piece.strip()
    if is_blank:
        raise SourceError(f"{name} is empty; drop the file again")
    before = ""
    if encoding != "cp932":
        wrong = _no_text(data, "utf-8")
        if wrong is None:
            return "utf-8-sig"
        if encoding == "utf-8" or _is_broken_utf8(data):
            raise SourceError(f"{name} is not UTF-8 (byte {wrong}); export it again as UTF-8")
        before = f"not UTF-8 (byte {wrong}) and "
    wrong = _no_text(data, "cp932")
    if wrong is not None:
        raise SourceError(f"{name} is {before}not cp932 (byte {wrong}); export it again as UTF-8")
    return "cp932"


def _no_text(data: BinaryIO, codec: str) -> int | None:
    """The first byte that is no text in `codec`; None when all are."""
    decoder, begin = codecs.getincrementaldecoder(codec)(), 0  # begin: of what the decoder has not given yet
    for piece in chain(_pieces(data), (b"",)):
        held = len(decoder.getstate()[0])
        try:
            decoded = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            return begin + error.start
        for character in _UNDEFINED_IN_CP932 if codec == "cp932" else "":
            position = decoded.find(character)
            if position >= 0:
                return begin + len(decoded[:position].encode(codec))
        begin += held + len(piece) - len(decoder.getstate()[0])
    return None


def _is_broken_utf8(data: BinaryIO) -> bool:
    """UTF-8 with a few bad bytes: cp932 would often read it as well-formed nonsense, so it must not be tried."""
    decoder, bad, wide = codecs.getincrementaldecoder("utf-8")(errors="replace"), 0, 0
    for number, piece in enumerate(_pieces(data)):
        if number == 0 and piece.startswith(codecs.BOM_UTF8):
            return True
        points = np.frombuffer(decoder.decode(piece).encode("utf-32-le"), dtype="<u4")
        bad += int((points == ord("\ufffd")).sum())
        wide += int((points > 0x7FF).sum())
    return wide - bad > bad


def _utf8(data: BinaryIO, codec: str) -> Iterator[bytes]:
    """The text in pieces of UTF-8, which may end within a character. The bytes stay open for the next reader."""
    decoder = codecs.getincrementaldecoder(codec)()
    for number, piece in enumerate(_pieces(data)):
        if codec == "cp932":
            yield decoder.decode(piece).encode()
        else:
            yield piece if number else piece.removeprefix(codecs.BOM_UTF8)


def _lines(text: Iterable[bytes]) -> Iterator[str]:
    """The lines of the text as they are, ends included."""
    decoder, held = codecs.getincrementaldecoder("utf-8")(), ""
    for piece in chain(text, (b"",)):
        held += decoder.decode(piece, final=not piece)
        end = held.rfind("\n") + 1 if piece else len(held)  # a carriage return may have its line feed in the next piece
        yield from io.StringIO(held[:end], newline="")
        held = held[end:]


def _csv(name: str, lines: Iterator[str], delimiter: str, row: int = 0) -> Iterator[list[str]]:
    """The records of the lines; `row` is that of the record before the first."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for record in reader:
            row += 1
            yield record
    except csv.Error as error:
        raise SourceError(f"{name} row {row + 1}: {error}; a quote is missing or doubled") from error


def _aligned(lines: Iterator[str]) -> Iterator[list[str]]:
    return (part.split() for line in lines for part in line.splitlines())


class _Layout(NamedTuple):
    """The headers of a file, its columns' names and the row its data begin in. `padded`: rows may end before their last cells."""

    file: str
    headers: list[list[str]]
    names: list[str]
    first: int
    padded: bool

    def block(self, columns: pd.DataFrame, index: pd.Index[Any]) -> pd.DataFrame:
        """Columns of text as a block of the file."""
        block = columns.set_axis(self.names, axis=1).set_axis(index)
        block.attrs["headers"] = self.headers
        return block


def _layout(name: str, records: Iterator[list[str]], header_rows: int, header: list[str] | None, *, padded: bool) -> _Layout:
    headers = [header] if header is not None else [[cell.strip() for cell in row] for row in islice(records, header_rows)]
    if len(headers) < (1 if header is not None else header_rows) or not any(headers[0]):
        raise SourceError(f"{name} has no header in its first row")
    width = len(headers[0])
    for number, cells in enumerate(headers, start=1):
        if padded:
            cells.extend([""] * (width - len(cells)))
        if len(cells) != width:
            raise SourceError(f"{name} row {number}: {len(cells)} cells where the first row has {width}")
    return _Layout(name, headers, unique(headers[0]), 1 if header is not None else header_rows + 1, padded)


def _csv_blocks(name: str, plain: Plain, delimiter: str, header_rows: int, header: list[str] | None) -> Iterator[pd.DataFrame]:
    """The blocks of a CSV: its plain records by Arrow, from the first that is not on one by one."""
    layout, row = None, 1
    while (taken := plain.take()) is not None:
        text, ends = taken
        if layout is None:
            above = 0 if header is not None else header_rows
            if len(ends) < above:
                plain.give_back(text)
                break
            head = int(ends[above - 1]) + 1 if above else 0
            layout = _layout(name, _csv(name, _lines([text[:head]]), delimiter), above, header, padded=False)
            text, ends, row = text[head:], ends[above:], layout.first
        rows = table(text, len(layout.names), delimiter) if len(ends) else None
        if rows is None or rows.num_rows != len(ends):
            plain.give_back(text)
            break
        for start in range(0, len(ends), BLOCK):
            part = rows.slice(start, BLOCK)
            yield _filled(part, layout, row)
            row += part.num_rows
    records = _csv(name, _lines(plain.left()), delimiter, row - 1)
    if layout is None:
        layout = _layout(name, records, header_rows, header, padded=False)
        row = layout.first
    yield from _blocks(records, layout, row)


def _filled(part: pa.Table, layout: _Layout, row: int) -> pd.DataFrame:
    """The rows from `row` on that are not wholly blank."""
    index: pd.Index[Any] = pd.RangeIndex(row, row + part.num_rows)
    is_blank = pc.equal(part.column(0), "")
    for column in part.columns[1:]:
        if not pc.any(is_blank).as_py():
            return layout.block(part.to_pandas(), index)
        is_blank = pc.and_(is_blank, pc.equal(column, ""))
    kept = pc.invert(is_blank)
    return layout.block(part.filter(kept).to_pandas(), index[kept.to_numpy()])


def _read(
    name: str, records: Iterator[list[str]], *, header_rows: int, header: list[str] | None, padded: bool
) -> Iterator[pd.DataFrame]:
    """The blocks of a file whose records are taken one by one."""
    layout = _layout(name, records, header_rows, header, padded=padded)
    return _blocks(records, layout, layout.first)


def _blocks(records: Iterator[list[str]], layout: _Layout, row: int) -> Iterator[pd.DataFrame]:
    """The records from `row` on in blocks: at least one, which may be empty, where they are the first of the file."""
    is_first = row == layout.first
    while (chunk := list(islice(records, BLOCK))) or is_first:
        yield _block(chunk, layout, row)
        row, is_first = row + len(chunk), False


def _block(chunk: list[list[str]], layout: _Layout, row: int) -> pd.DataFrame:
    width = len(layout.names)
    kept: list[list[str]] = []
    index: list[int] = []
    for number, cells in enumerate(chunk, start=row):
        if not any(cells):
            continue
        if len(cells) != width and (not layout.padded or any(cells[width:])):
            problem = f"{len(cells)} cells where the header has {width}"
            raise SourceError(f"{layout.file} row {number}: {problem}; a delimiter is missing, or one in a text is not quoted")
        kept.append([*cells[:width], *[""] * (width - len(cells))] if layout.padded else cells)
        index.append(number)
    columns = zip(*kept, strict=True) if kept else iter([()] * width)
    texts = pd.DataFrame({place: pd.array(cells, dtype="str") for place, cells in enumerate(columns)})
    return layout.block(texts, pd.Index(index, dtype="int64"))


def unique(names: list[str]) -> list[str]:
    """The names, with a suffix for one that was there before: 送料, 送料.1."""
    unique: list[str] = []
    taken = set(names)
    for name in names:
        candidate, number = name, 0
        while candidate in unique or (number and candidate in taken):
            number += 1
            candidate = f"{name}.{number}"
        unique.append(candidate)
    return unique


def _worksheets(path: Place, wanted: str | None) -> Iterator[tuple[str, list[list[str]]]]:
    from openpyxl import load_workbook  # slow to import, and most drops are CSV

    try:
        book = load_workbook(path if isinstance(path, Path) else path.open("rb"), read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        problem = f"cannot be opened as Excel ({error})"
        raise SourceError(f"{path.name} {problem}; is it damaged or protected by a password?") from error
    try:
        if wanted is not None and wanted not in book.sheetnames:
            raise SourceError(f"{path.name} has no worksheet {wanted} (it has: {', '.join(book.sheetnames)})")
        found: list[tuple[str, list[list[str]]]] = []
        for worksheet in book.worksheets:
            if worksheet.title == wanted or (wanted is None and worksheet.sheet_state == "visible"):
                worksheet.reset_dimensions()  # some writers state a wrong size, which would cut rows off
                records = [[_excel_text(value) for value in row] for row in worksheet.iter_rows(values_only=True)]
                if any(any(record) for record in records):
                    found.append((worksheet.title, records))
    finally:
        book.close()
    if not found:
        raise SourceError(f"{path.name} is empty; drop the file again")
    for title, records in found:
        yield (path.name if len(found) == 1 else f"{path.name}[{title}]"), _trimmed(records)


def _trimmed(records: list[list[str]]) -> list[list[str]]:
    """Without the blank columns that formatting leaves on the right."""
    header = records[0]
    width = max((position + 1 for position, cell in enumerate(header) if cell), default=0)
    return [header[:width], *records[1:]]


def _excel_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        rounded = value + timedelta(microseconds=500)  # a binary fraction of a day: 23:59:58.999999 was 23:59:59
        rounded = rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)
        return rounded.date().isoformat() if rounded.time() == datetime.min.time() else rounded.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        if abs(value) >= _EXCEL_DIGITS:
            return f"{value:.14E}"  # its last digits are lost: the cells' parsers must be able to see that
        return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
    return str(value)
