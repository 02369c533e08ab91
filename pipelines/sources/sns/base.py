"""What the SNS kinds share: a platform's export whose columns are named in connections.yaml, and the day its counters were read.

Exports of platforms, tools and agencies differ in headers alone, so `columns` says which header holds which column of the landing
contract. Counters are taken as they are; an empty cell stays empty, because not given is not zero.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.sources import cells
from pipelines.sources.connection import Bad, FileConnection, Sheet, SourceError
from pipelines.sources.contract import table
from pipelines.sources.layouts import find, midnight, readable, typed

Platform = Literal["x", "instagram", "facebook", "youtube", "line", "tiktok", "bluesky", "mastodon", "note", "other"]


class Day(BaseModel):
    """The day the counters of a file were read: a column of it, one fixed day, or what `file_name` finds in its name.

    `date_format` is needed where the column is written otherwise than the connection's timestamps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    fixed: date | None = None
    file_name: str | None = None
    date_format: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Day:
        if sum(value is not None for value in (self.column, self.fixed, self.file_name)) != 1:
            raise ValueError("give exactly one of column, fixed, file_name")
        return self

    @field_validator("file_name")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        try:
            groups = 1 if value is None else re.compile(value).groups
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from None
        if groups != 1:
            raise ValueError(f"{value!r} needs exactly one group, around the day: insights_(\\d{{8}})")
        return value

    def of(self, sheet: Sheet, fmt: str | None) -> Any:
        """The day of every row: a column of dates, or one date for the whole sheet."""
        if self.column is not None:
            return cells.day(sheet.rows[find(sheet, [self.column])[self.column]], self.date_format or fmt)
        if self.file_name is None:
            return self.fixed
        match = re.search(self.file_name, sheet.file)
        day = None if match is None else cells.day(pd.Series([match[1]], dtype="str", name="file name")).iloc[0]
        if day is None or isinstance(day, Bad):
            raise SourceError(f"{sheet.file}: day.file_name {self.file_name!r} finds no day in the file's name; rename the file")
        return day


class SnsFile(FileConnection):
    """Options and reading that the SNS kinds have in common."""

    source: ClassVar[str] = "sns"
    rows_stand_alone: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]]  # columns that must be named, beside the account
    extra: ClassVar[tuple[str, ...]] = ()  # names in `columns` that are not columns of the contract

    platform: Platform
    account_id: str | None = None
    columns: dict[str, str] = Field(min_length=1)
    date_format: str | None = None
    timestamps_in: str | None = None

    @classmethod
    def mappable(cls) -> Collection[str]:
        """The names `columns` may hold."""
        own = {column.name for column in table(cls.source, cls.tables[0]).columns if column.personal is None}
        return own - {"platform", "day"} | set(cls.extra)

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, columns: dict[str, str]) -> dict[str, str]:
        unknown = [name for name in columns if name not in cls.mappable()]
        if unknown:
            known = ", ".join(sorted(cls.mappable()))
            raise ValueError(f"{cls.tables[0]} has no column {', '.join(unknown)}; it can hold {known}")
        absent = [name for name in cls.required if name not in columns]
        if absent:
            raise ValueError(f"{', '.join(absent)} is missing: name the header that holds it")
        return columns

    @field_validator("timestamps_in")
    @classmethod
    def _known_timestamp_zone(cls, value: str | None) -> str | None:
        return None if value is None else cls._known_zone(value)

    def read_columns(self, sheet: Sheet) -> pd.DataFrame:
        """The named columns by their types, with platform and account; timestamps without an offset are in `timestamps_in`."""
        named = {name: header for name, header in self.columns.items() if name not in self.extra}
        headers = find(sheet, list(self.columns.values()))
        zone = ZoneInfo(self.timestamps_in or self.time_zone)
        columns = {name: headers[header] for name, header in named.items()}
        rows = typed(table(self.source, self.tables[0]), sheet, columns, zone, date_format=self.date_format)
        rows["platform"] = self.platform
        if self.account_id is not None:
            rows["account_id"] = self.account_id
        return rows


class CounterFile(SnsFile):
    """A file of our own accounts' counters as they stood on one day."""

    day: Day

    @model_validator(mode="after")
    def _one_account(self) -> CounterFile:
        if (self.account_id is None) == ("account_id" not in self.columns):
            raise ValueError("say whose counters these are: account_id, or columns.account_id (not both)")
        return self

    def read_counters(self, sheet: Sheet) -> pd.DataFrame:
        """`read_columns` with the day of reading, on which the rows change."""
        rows = self.read_columns(sheet)
        rows["day"] = self.day.of(sheet, self.date_format)
        rows = rows.astype(object)
        rows["change_date"] = readable(rows["day"])
        rows["updated_at"] = midnight(rows["change_date"], self.zone)
        return rows
