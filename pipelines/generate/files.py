"""Writing files that come out byte for byte the same every time."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

Row = Sequence[Any]


def write_csv(
    path: Path, header: Row, rows: Iterable[Row], *, encoding: str = "utf-8", end: str = "\n", title: Row | None = None
) -> None:
    """Write a CSV file; None becomes an empty cell, `title` is a second header row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, lineterminator=end)
        writer.writerow(header)
        if title is not None:
            writer.writerow(title)
        writer.writerows(rows)


def write_xlsx(path: Path, header: Row, rows: Iterable[Row]) -> None:
    """Write a one-sheet workbook without the clock: openpyxl stamps the time into the archive and its properties."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    stamped = io.BytesIO()
    book.save(stamped)
    with zipfile.ZipFile(stamped) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = CORE_PROPERTIES
            target.writestr(zipfile.ZipInfo(name, date_time=(2024, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


CORE_PROPERTIES = (
    b'<?xml version="1.0" encoding="UTF-8"?><cp:coreProperties '
    b'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
)
