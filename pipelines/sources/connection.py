"""What every kind of connection is built on: its options, the cells it yields and the errors it raises.

A kind is one pydantic model (its fields are the keys of its entry in connections.yaml) with one method that turns what the
source gives into frames of the landing contract. It neither hashes, nor writes, nor knows of days: `pull.py` does.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, field_validator

from pipelines.sources.places import Place
from pipelines.sources.schema import KeyClass


class SourceError(Exception):
    """A source cannot be read as configured; the message is one line a user can act on."""


@dataclass(frozen=True)
class Window:
    """The days asked for, both included."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    def instants(self, zone: ZoneInfo, overlap: timedelta = timedelta()) -> tuple[datetime, datetime]:
        """First instant of the window and the first after it, in UTC, widened by `overlap` on both sides."""
        first, after = datetime.combine(self.start, time(), zone), datetime.combine(self.end + timedelta(days=1), time(), zone)
        return first.astimezone(UTC) - overlap, after.astimezone(UTC) + overlap


class Person(NamedTuple):
    """A personal identifier on its way to becoming a keyed hash. It never reaches the disk.

    `scope` keeps numbers of different systems apart: customer 12 of one shop is not customer 12 of another.
    """

    key: KeyClass
    kind: Literal["mail", "phone", "id", "handle"]
    value: str
    scope: str = ""


class Bad(NamedTuple):
    """A cell that could not be read: the source's own column name, the raw value and why."""

    column: str
    raw: str
    why: str


class Sheet(NamedTuple):
    """One dropped file (or one worksheet) as text: the index is the row number a person sees in a spreadsheet, cells are str."""

    file: str
    rows: pd.DataFrame


class Frame(NamedTuple):
    """Rows for one landing table.

    Columns: those of the contract's table (missing ones are empty), plus `updated_at`, `business_date` and optionally
    `change_date` (else the day of `updated_at` in the connection's zone). Cells are Python values, None, `Person` or `Bad`;
    the index is the row number in the source.
    """

    table: str
    rows: pd.DataFrame


class Connection(BaseModel):
    """Options every connection has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: ClassVar[str]
    tables: ClassVar[tuple[str, ...]]  # the landing tables this kind can yield

    name: str  # the entry's key in connections.yaml
    kind: str
    time_zone: str = "Asia/Tokyo"
    daily: bool = True  # false: files come now and then, so a day without rows is no alarm

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError(f"unknown time zone {value!r}; use a name such as Asia/Tokyo") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the connection's days begin and end."""
        return ZoneInfo(self.time_zone)


class FileConnection(Connection):
    """A connection whose source is a drop folder of CSV or Excel files (or one file)."""

    path: Place  # a folder is made absolute against that of connections.yaml when the settings are read
    pattern: str = "*"
    encoding: Literal["auto", "utf-8", "cp932"] = "auto"

    def read_options(self) -> dict[str, Any]:
        """Keyword arguments for `files.read_sheets`, for kinds whose files are not plain CSV with a header row."""
        return {}

    rows_stand_alone: ClassVar[bool] = False  # no row of a file is read by another's: it may be cut anywhere
    documents_are_runs: ClassVar[bool] = False  # the rows of a document follow each other; its name further down is another's

    def documents(self, rows: pd.DataFrame) -> pd.Series[Any] | None:
        """Of each row of a file, the document it must be read together with; None where a file is read as a whole.

        What documents are runs have a blank name where it is that of the row above. Must not need any column to be there.
        """
        del rows
        return None

    def read_blocks(self, sheets: Iterable[Sheet]) -> Iterator[Frame]:
        """Turn one file, given in blocks of whole documents, into frames."""
        for sheet in sheets:
            yield from self.read(sheet)

    @abstractmethod
    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """Turn one file, or some of its documents, into frames of the landing contract.

        Raises SourceError when a required column is missing or the file is not of this kind.
        """
