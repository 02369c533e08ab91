"""Records of a live source to rows of the landing contract: which field of an answer is which column, and in which unit.

Data flow: a record (or each child in it) -> per column a JMESPath and its unit -> text as it would stand in a file -> read by the
contract's types like a file's cells (`layouts.typed`) -> identifiers of persons as `Person`.

A column is written `total_amount: totals.gross`, or with a unit `total_amount: {path: totals.gross, minor_units: 2}`. In a child
`_parent` is its record and `_position` its place, from 1; `_value` is the child itself where it is no object. A field that no
record of a page has is told, unless it is `optional`; one that is there and null is a blank cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from pipelines.sources import cells
from pipelines.sources.connection import Connection, Person, Sheet, SourceError
from pipelines.sources.expressions import Path, first, is_absent, leading_names
from pipelines.sources.layouts import local_day, readable, typed
from pipelines.sources.polarity import add_polarity
from pipelines.sources.schema import Table

TEXT = "text"  # stands for text_length, polarity and polarity_source: the text itself is not kept
_EPOCH = {"s": 1, "ms": 1_000, "us": 1_000_000}
_IDENTIFIED_BY: Mapping[str, Literal["mail", "phone", "id", "handle"]] = {
    "mail_pid": "mail",
    "phone_pid": "phone",
    "social_pid": "handle",
    "author_pid": "handle",
}
# Columns that say when the thing itself happened, whatever has become of it since.
HAPPENED_AT = ("ordered_at", "adjusted_at", "reviewed_at", "registered_at", "started_at", "occurred_at", "posted_at")


class Unit(BaseModel):
    """Where a column's value stands in a record, and how it is written there.

    `words` turns the source's words into the contract's codes; `scope` names the connection whose customer numbers these are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = None
    value: str | int | float | bool | None = None  # the same in every row
    optional: bool = False
    minor_units: int | None = Field(default=None, ge=0, le=4)  # 2: the amount is in cents; 0: the currency has none
    divide_by: int | None = Field(default=None, ge=2)
    negate: bool = False
    epoch: Literal["s", "ms", "us"] | None = None
    format: str | None = None  # strptime, where a time could mean two
    zone: str | None = None  # of times without an offset, where it is not the connection's
    words: dict[str, str] = Field(default_factory=dict)
    identified_by: Literal["mail", "phone", "id", "handle"] | None = None
    scope: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Unit:
        if (self.path is None) == (self.value is None):
            raise ValueError("give exactly one of path, value")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else Connection._known_zone(value)

    def text(self, record: Any, zone: ZoneInfo) -> str:
        """The value in `record` as it would stand in a file; '' where there is none."""
        raw = self.value if self.path is None else first(self.path, record)
        if raw is None:
            return ""
        if isinstance(raw, (dict, list)):
            what = "a list" if isinstance(raw, list) else "an object"
            raise SourceError(f"{self.path} is no single value but {what}; point into it")
        if isinstance(raw, bool):
            return "true" if raw else "false"
        if self.epoch or self.minor_units is not None or self.divide_by or self.negate:
            return self._converted(raw)
        if self.format or self.zone:
            return self._moment(str(raw), ZoneInfo(self.zone) if self.zone else zone)
        return format(raw, "f") if isinstance(raw, Decimal) else str(raw)

    def _converted(self, raw: Any) -> str:
        try:
            number = Decimal(str(raw))
            if not number.is_finite():
                return str(raw)
        except InvalidOperation:
            return str(raw)  # the cell's own reader says what is wrong with it
        if self.epoch:
            return datetime.fromtimestamp(float(number / _EPOCH[self.epoch]), UTC).isoformat()
        number = number / Decimal(10) ** (self.minor_units or 0) / (self.divide_by or 1)
        return format(-number if self.negate else number, "f")

    def _moment(self, raw: str, zone: ZoneInfo) -> str:
        try:
            moment = datetime.strptime(raw, self.format) if self.format else datetime.fromisoformat(raw)
        except ValueError:
            return raw
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def _unit(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Columns = dict[str, Annotated[Unit, BeforeValidator(_unit)]]


class Context(NamedTuple):
    """For whom records are read: the connection, and the platform that the handles of persons belong to."""

    connection: Connection
    platform: str = ""


def units(columns: Mapping[str, str | Unit]) -> dict[str, Unit]:
    """Columns as a named kind writes them, paths or units, as units."""
    return {name: unit if isinstance(unit, Unit) else Unit(path=unit) for name, unit in columns.items()}


def check_columns(table: Table, columns: Collection[str], extra: Collection[str] = ()) -> None:
    """ValueError for a column that the contract does not have."""
    known = {column.name for column in table.columns} | {"updated_at", "business_date"} | set(extra)
    known |= {TEXT} if any(column.name == "text_length" for column in table.columns) else set()
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ValueError(f"{table.id} has no column {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def children(records: Sequence[Any], each: str) -> list[dict[str, Any]]:
    """The children that `each` finds in every record, one after the other, each with `_parent` and `_position`."""
    if records and all(is_absent(each, record) for record in records):
        raise SourceError(f"no record has {each}, the list of children; correct `each`")
    found = []
    for record in records:
        nested = first(each, record)
        if nested is None:
            continue
        if not isinstance(nested, list):
            raise SourceError(f"{each} is no list; point at the list of children")
        for position, child in enumerate(nested, start=1):
            own = child if isinstance(child, dict) else {"_value": child}
            found.append({**own, "_parent": record, "_position": position})
    return found


def inherited(
    table: Table, rows: pd.DataFrame, children: Sequence[Any], own: pd.DataFrame, records: Sequence[Any]
) -> pd.DataFrame:
    """The children's rows with every column they do not have themselves taken from the row of their record."""
    place = {id(record): position for position, record in enumerate(records)}
    parents = [place[id(child["_parent"])] for child in children]
    for name in (*(column.name for column in table.columns), "updated_at", "business_date"):
        if name in own and name not in rows:
            rows[name] = own[name].iloc[parents].set_axis(rows.index)
    return rows


def missing_fields(records: Sequence[Any], columns: Mapping[str, Unit]) -> dict[str, str]:
    """Columns whose field no record has, with the path; none where there are no records."""
    return {
        name: str(unit.path)
        for name, unit in columns.items()
        if unit.path is not None and not unit.optional and records and all(is_absent(unit.path, record) for record in records)
    }


def require_fields(label: str, records: Sequence[Any], columns: Mapping[str, Unit]) -> None:
    """SourceError naming every field that the source no longer sends."""
    missing = missing_fields(records, columns)
    if missing:
        sent = ", ".join(sorted({str(name) for record in records if isinstance(record, dict) for name in record} - {"_parent"}))
        told = ", ".join(f"{path} (for {name})" for name, path in missing.items())
        raise SourceError(
            f"{label}: no record has {told}; the source sends {sent[:300]}. Correct the path, or mark it optional: true"
        )


def ignored_fields(records: Sequence[Any], paths: Collection[str]) -> list[str]:
    """Fields of the records, on the first level, that no path begins with."""
    used = {names[0] for path in paths if (names := leading_names(path))}
    if not used:
        return []
    sent = dict.fromkeys(str(name) for record in records if isinstance(record, dict) for name in record)
    return [name for name in sent if name not in used and not name.startswith("_")]


def rows(
    table: Table, records: Sequence[Any], columns: Mapping[str, Unit], context: Context, *, label: str, start: int = 1
) -> pd.DataFrame:
    """The records as rows of `table`, indexed by record number from `start`, with cells as a `Frame` holds them.

    `columns` may hold `updated_at` and `business_date` (an instant or a day), and `text`. Without `business_date` it is the day
    on which it happened (`HAPPENED_AT`), else that of `updated_at`, in the connection's zone.
    """
    require_fields(label, records, columns)
    zone, name = context.connection.zone, context.connection.name
    headers = {column: f"{unit.path or 'value'}" for column, unit in columns.items()}
    doubled = [header for header in headers.values() if list(headers.values()).count(header) > 1]
    headers = {column: f"{header} ({column})" if header in doubled else header for column, header in headers.items()}
    written = {headers[column]: [unit.text(record, zone) for record in records] for column, unit in columns.items()}
    texts = pd.DataFrame(written, index=range(start, start + len(records)), dtype="str")
    plain = {column: header for column, header in headers.items() if column not in (TEXT, "business_date")}
    words = {column: unit.words for column, unit in columns.items() if unit.words}
    made = typed(table, Sheet(label, texts), plain, zone, words=words)
    for column in (one for one in table.columns if one.personal and one.name in made):
        made[column.name] = _persons(made[column.name], column.personal, columns[column.name], column.name, context, name)
    if TEXT in columns:
        add_polarity(made, cells.text(texts[headers[TEXT]]))
    if "business_date" in columns:
        made["business_date"] = local_day(cells.timestamp(texts[headers["business_date"]], zone), zone)
    else:
        moment = next((name for name in (*HAPPENED_AT, "updated_at") if name in made), None)
        if moment is not None:
            made["business_date"] = local_day(readable(made[moment]), zone)
    return made.astype(object)


def with_currency(rows: pd.DataFrame, currency: str) -> pd.DataFrame:
    """The rows, in `currency` where they state none."""
    if "currency" in rows:
        rows["currency"] = rows["currency"].where(rows["currency"].notna(), currency)
    else:
        rows["currency"] = currency
    return rows


def _persons(values: Any, key: Any, unit: Unit, column: str, context: Context, name: str) -> Any:
    kind = unit.identified_by or _IDENTIFIED_BY.get(column, "id")
    scope = {"handle": context.platform, "id": unit.scope or name}.get(kind, "")
    return cells.each(values, lambda value: Person(key, kind, value, scope))
