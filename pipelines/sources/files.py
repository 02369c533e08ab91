"""Dropped files to sheets of text: encodings, delimiters, header rows, Excel.

Data flow: a drop folder -> `drop_files` (old to new) -> `read_sheets` -> `Sheet` (text, '' when blank) -> a kind's `read`.

Nothing is repaired: a file that is neither UTF-8 nor cp932, holds a NUL byte, or has a row of another length than its header is
refused with its row, because a row that is read wrongly is worse than a night without the file. Wholly blank rows are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from pipelines.sources.connection import Sheet, SourceError
from pipelines.sources.masking import masked
from pipelines.sources.places import Place, failures, matching

_UNFINISHED = (".crdownload", ".part", ".partial", ".download", ".tmp")
_UNDEFINED_IN_CP932 = "\x80\xa0\uf8f0\uf8f1\uf8f2\uf8f3"  # Python maps these unassigned bytes all the same
_EXCEL_DIGITS = 10**15  # a spreadsheet keeps 15 digits of a number
_CHUNK = 50_000


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
) -> Iterator[Sheet]:
    """The sheets of one file as text: a CSV is one, an Excel file has one per visible worksheet that is not empty.

    `sheet` picks one worksheet. `header` names the columns of a file that has no header row; else the first of `header_rows`
    rows names them, and all of them stand in `rows.attrs["headers"]`. A repeated name gets a suffix: 送料, 送料.1. The index is
    the row number counted in records, as a spreadsheet shows it (a quoted line break does not begin a new row). Cells of Excel
    are given as they would stand in a CSV: ISO dates, whole numbers without `.0`, TRUE/FALSE; formulas by the value last saved.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        for title, records in _worksheets(path, sheet):
            yield Sheet(title, _table(title, records, header_rows, header, padded=True))
    elif path.suffix.lower() == ".xls":
        raise SourceError(f"{path.name} is an old Excel file; save it as .xlsx or as CSV")
    else:
        lines = _text(path, encoding)
        records = _aligned(lines) if whitespace else _csv(path.name, lines, delimiter)
        yield Sheet(path.name, _table(path.name, records, header_rows, header, padded=False))


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


def _text(path: Place, encoding: str) -> str:
    data = path.read_bytes()
    if not data.strip():
        raise SourceError(f"{path.name} is empty; drop the file again")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path.name} is UTF-16; save it as `CSV UTF-8`")
    nul = data.find(b"\0")
    if nul >= 0:
        row = data.count(b"\n", 0, nul) + 1
        raise SourceError(f"{path.name} row {row}: NUL byte at byte {nul}; the file is damaged, drop it again")
    if encoding == "cp932":
        return _cp932(path.name, data, "")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte {error.start})"
    if encoding == "utf-8" or _is_broken_utf8(data):
        raise SourceError(f"{path.name} is {problem}; export it again as UTF-8")
    return _cp932(path.name, data, f"{problem} and ")


def _is_broken_utf8(data: bytes) -> bool:
    """UTF-8 with a few bad bytes: cp932 would often read it as well-formed nonsense, so it must not be tried."""
    decoded = data.decode("utf-8", errors="replace")
    bad = decoded.count("\ufffd")
    return data.startswith(b"\xef\xbb\xbf") or sum(character > "\u07ff" for character in decoded) - bad > bad


def _cp932(name: str, data: bytes, before: str) -> str:
    try:
        decoded = data.decode("cp932")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is {before}not cp932 (byte {error.start}); export it again as UTF-8") from error
    for character in _UNDEFINED_IN_CP932:
        position = decoded.find(character)
        if position >= 0:
            byte = len(decoded[:position].encode("cp932"))
            raise SourceError(f"{name} is {before}not cp932 (byte {byte}); export it again as UTF-8")
    return decoded


def _csv(name: str, lines: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for record in reader:
            row += 1
            yield record
    except csv.Error as error:
        raise SourceError(f"{name} row {row + 1}: {error}; a quote is missing or doubled") from error


def _aligned(lines: str) -> Iterator[list[str]]:
    return (line.split() for line in lines.splitlines())


def _table(name: str, records: Iterator[list[str]], header_rows: int, header: list[str] | None, padded: bool) -> pd.DataFrame:
    headers = [header] if header is not None else [[cell.strip() for cell in row] for row in islice(records, header_rows)]
    if len(headers) < (1 if header is not None else header_rows) or not any(headers[0]):
        raise SourceError(f"{name} has no header in its first row")
    first = 1 if header is not None else header_rows + 1
    width = len(headers[0])
    for number, cells in enumerate(headers, start=1):
        if padded:
            cells.extend([""] * (width - len(cells)))
        if len(cells) != width:
            raise SourceError(f"{name} row {number}: {len(cells)} cells where the first row has {width}")
    names = unique(headers[0])
    chunks = [pd.DataFrame(columns=names, index=pd.RangeIndex(0), dtype="str")]
    while chunk := list(islice(records, _CHUNK)):
        chunks.append(_block(name, chunk, names, first, padded))
        first += len(chunk)
    frame = pd.concat(chunks) if len(chunks) > 1 else chunks[0]
    frame.attrs["headers"] = headers
    return frame


def _block(name: str, chunk: list[list[str]], names: list[str], first: int, padded: bool) -> pd.DataFrame:
    width = len(names)
    kept: list[list[str]] = []
    index: list[int] = []
    for number, cells in enumerate(chunk, start=first):
        if not any(cells):
            continue
        if len(cells) != width and (not padded or any(cells[width:])):
            problem = f"{len(cells)} cells where the header has {width}"
            raise SourceError(f"{name} row {number}: {problem}; a delimiter is missing, or one in a text is not quoted")
        kept.append([*cells[:width], *[""] * (width - len(cells))] if padded else cells)
        index.append(number)
    columns = zip(*kept, strict=True) if kept else iter([()] * width)
    return pd.DataFrame({column: pd.array(cells, dtype="str") for column, cells in zip(names, columns, strict=True)}, index=index)


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


def _worksheets(path: Place, wanted: str | None) -> Iterator[tuple[str, Iterator[list[str]]]]:
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
        yield (path.name if len(found) == 1 else f"{path.name}[{title}]"), iter(_trimmed(records))


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
