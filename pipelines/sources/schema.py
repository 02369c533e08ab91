"""What a landing table and its columns are made of. The tables themselves stand in `contract.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

KeyClass = Literal["employee", "customer", "social"]

TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    # Four decimals hold every currency's minor unit and an unrounded tax share.
    "money": pa.decimal128(18, 4),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Column:
    """One landed column.

    `personal` names the keyed-hash class of a person: a fixed class, or `any` where the row itself decides (a survey's audience).
    `enum`, `minimum`, `maximum` are what the door accepts; a value outside `enum` blocks the batch, one outside the range is
    quarantined.
    """

    name: str
    type: str
    en: str
    ja: str
    required: bool = False
    personal: KeyClass | Literal["any"] | None = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def arrow(self) -> pa.Field:
        """The column as an Arrow field (nullable: the door, not the file, enforces `required`)."""
        return pa.field(self.name, TYPES[self.type])


@dataclass(frozen=True)
class Table:
    """One landing table: `key` is the natural key within a connection; rows of one `document` stand or fall together."""

    source: str
    name: str
    key: tuple[str, ...]
    en: str
    ja: str
    columns: tuple[Column, ...]
    document: str | None = None
    is_daily: bool = False  # rows are expected every day: a collapse of volume blocks

    @property
    def id(self) -> str:
        """`<source>.<table>`: the name of the suite, the quarantine and the log lines."""
        return f"{self.source}.{self.name}"

    @property
    def relation(self) -> str:
        """`<source>__<table>`: the name in SQL, as dbt's staging models write it."""
        return f"{self.source}__{self.name}"

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The common columns, then the table's own, in file order."""
        return COMMON + self.columns

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of a landed file."""
        return pa.schema([column.arrow for column in self.all_columns])

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError when there is none."""
        for column in self.all_columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.id} has no column {name}")


COMMON: tuple[Column, ...] = (
    Column("connection", "string", "Name of the connection in connections.yaml", "connections.yaml の接続名", required=True),
    Column("change_date", "date", "Day the record changed, in the connection's zone", "変更日（接続の時間帯）", required=True),
    Column("source_record_id", "string", "Identifier of the record at its source", "元システムのレコード識別子", required=True),
    Column("updated_at", "timestamp", "Instant of the last change at the source (UTC)", "最終更新時刻（UTC）", required=True),
    Column(
        "business_date",
        "date",
        "Day the record itself belongs to, in the connection's zone",
        "レコード自体の日付（接続の時間帯）",
        required=True,
    ),
    Column("landed_at", "timestamp", "Instant the row was landed (UTC)", "取り込み時刻（UTC）", required=True),
    Column("batch_id", "string", "Run that landed the row", "取り込んだ実行の識別子", required=True),
)

# Columns that describe the landing, not the record: two landings of the same record differ in these alone.
PROVENANCE = ("landed_at", "batch_id")
