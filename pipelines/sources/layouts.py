"""Sheets whose columns are those of the landing contract: which table a sheet holds, and its cells read by the contract's types.

Data flow: a `Sheet` -> `recognise` (headers in Japanese or English) -> `typed` -> object columns named as in the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import partial
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources import cells, quick
from pipelines.sources.connection import Bad, Person, Sheet, SourceError
from pipelines.sources.files import require
from pipelines.sources.schema import KeyClass, Table


class Layout(NamedTuple):
    """How people write a table: for each column its Japanese and its English header, and the words they use for codes.

    `optional` columns may be absent from a sheet, the others may not. `words` turns what people write into the contract's codes.
    """

    table: Table
    headers: Mapping[str, tuple[str, str]]
    optional: frozenset[str] = frozenset()
    words: Mapping[str, Mapping[str, str]] = {}

    def columns(self, sheet: Sheet) -> dict[str, str]:
        """The sheet's own header for each column of the layout it holds."""
        present = {tidy(str(header)): str(header) for header in reversed(sheet.rows.columns)}
        alike = {column: [tidy(name) for name in names] for column, names in self.headers.items()}
        return {column: present[name] for column, names in alike.items() for name in names if name in present}

    def read(
        self,
        sheet: Sheet,
        columns: Mapping[str, str],
        zone: ZoneInfo,
        *,
        date_format: str | None = None,
        currency: str | None = None,
    ) -> pd.DataFrame:
        """The sheet's rows by the contract's types, with every column of the layout; `currency` stands where a row names none."""
        marks = None if "currency" in columns else currency
        rows = typed(self.table, sheet, columns, zone, date_format=date_format, words=self.words, currency=marks)
        for name in self.headers.keys() - columns.keys():
            rows[name] = None
        if "currency" in rows:
            rows["currency"] = [currency if value is None else value for value in rows["currency"]]
        return rows.astype(object)


def tidy(header: str) -> str:
    """A header as it is compared: NFKC, blanks and line breaks as one blank, case aside."""
    return " ".join(cells.plain(header).split()).casefold()


def find(sheet: Sheet, names: Sequence[str]) -> dict[str, str]:
    """The sheet's column for each of `names`: that very name, else one alike but for blanks, width and case."""
    present = [str(column) for column in sheet.rows.columns]
    alike = {tidy(column): column for column in reversed(present)}
    found = {name: name if name in present else alike.get(tidy(name), name) for name in names}
    require(sheet, [name for name in names if found[name] not in present])
    return found


def recognise(sheet: Sheet, layouts: Sequence[Layout]) -> tuple[Layout, dict[str, str]]:
    """The layout whose headers the sheet holds, and the header of each column; SourceError when it is none or lacks a column."""
    matches = [(layout, layout.columns(sheet)) for layout in layouts]
    layout, columns = max(matches, key=lambda match: len(match[1]) / len(match[0].headers))
    if len(columns) < 2:
        kinds = "; ".join(f"{known.table.name}: {', '.join(names[0] for names in known.headers.values())}" for known in layouts)
        raise SourceError(f"{sheet.file} is no file of this folder: rename its columns, or take it out. Known are {kinds}")
    english = all(header.isascii() for header in columns.values())
    required = [column for column in layout.headers if column not in layout.optional]
    require(sheet, [layout.headers[column][english] for column in required if column not in columns])
    return layout, columns


def typed(
    table: Table,
    sheet: Sheet,
    columns: Mapping[str, str],
    zone: ZoneInfo,
    *,
    date_format: str | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    currency: str | None = None,
) -> pd.DataFrame:
    """The sheet's columns (contract name -> header), each read as the contract types it; identifiers of persons stay text.

    Amounts marked with another currency than `currency` are refused (None: any mark).
    """
    readers: dict[str, Callable[[pd.Series[Any]], pd.Series[Any]]] = {
        "string": cells.text,
        "int": cells.integer,
        "float": cells.number,
        "money": partial(cells.money, currency=currency),
        "bool": cells.boolean,
        "date": partial(cells.day, fmt=date_format),
        "timestamp": partial(cells.timestamp, zone=zone, fmt=date_format),
    }
    read = {}
    for name, header in columns.items():
        column, known = table.column(name), (words or {}).get(name)
        reader = readers[column.type]
        if name in ("org_unit", "month"):
            reader = org_path if name == "org_unit" else cells.month
        elif known is not None or column.enum:
            reader = partial(cells.choice, mapping=known or {})
        elif column.type == "string" and (column.personal or name in table.key or name.endswith("_id")):
            reader = cells.identifier
        read[name] = reader(sheet.rows[header])
    return pd.DataFrame(read, index=sheet.rows.index, dtype=object)


def org_path(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Organisation units as paths joined by `/`, whatever their width and the blanks around the slashes."""
    return cells.each(cells.text(texts), unit_path)


def unit_path(unit: str) -> str:
    """One organisation unit as `org_path` writes it."""
    return re.sub(r"\s*/\s*", "/", cells.plain(unit))


def persons(
    values: pd.Series[Any], key: KeyClass, kind: Literal["mail", "phone", "id", "handle"], scope: str = ""
) -> pd.Series[Any]:
    """Identifiers as `Person` cells."""
    return cells.each(values, lambda value: Person(key, kind, value, scope))


def local_day(moments: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """The day of each instant in `zone`; None where there is no instant."""
    given = readable(moments)
    instants = pa.array(given.to_numpy(), pa.timestamp("us", tz="UTC"), from_pandas=True)
    if (pc.max(pc.year(instants)).as_py() or 0) >= quick.LAST:
        return cells.each(given, lambda moment: moment.astimezone(zone).date())
    local = pc.local_timestamp(instants.cast(pa.timestamp("us", tz=zone.key)))
    days = local.cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]").astype(object)
    return pd.Series(days, index=given.index, name=given.name, dtype=object)


def midnight(days: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """The instant at which each day begins in `zone`; None where there is no day."""
    return cells.each(readable(days), lambda day: datetime.combine(day, time(), zone).astimezone(UTC))


def readable(values: pd.Series[Any]) -> pd.Series[Any]:
    """The values with None in place of unreadable ones: what is derived from a `Bad` cell is blank, so that it is told once."""
    return pd.Series([None if isinstance(value, Bad) else value for value in values], index=values.index, dtype=object)
