"""What every kind of live connection is built on: its options, its pages, and the way from a window of days to requests.

Data flow: `pages(api, window)` asks the source page by page -> `read(page)` turns each into frames of the landing contract ->
`pull.py` types, pseudonymises and stages them -> the door keeps the days of the window exactly.

A pull asks for a little more than the window (`overlap_minutes` on both sides): the source's clock may be off, keep whole
seconds only, or take a bound in or leave it out. What comes twice, or belongs to another day, falls out at the door.
Counters that a source shows only as they are now are readings (`readings`): one read before noon closes the day before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.sources.auth import Auth
from pipelines.sources.connection import Connection, Frame, SourceError, Window
from pipelines.sources.credentials import Secrets, secret_names
from pipelines.sources.http import Api, Clock, Tell, checked_base
from pipelines.sources.limits import Limits

NOON = timedelta(hours=12)


class Page(NamedTuple):
    """Some records of one stream, as the source sent them. `number` and `start` place them for a person: page 3, record 201.

    `is_whole`: each record brings all rows of its document along (an order its lines), so that a newer one replaces them all.
    """

    stream: str
    number: int
    start: int
    records: Sequence[Any]
    read_at: datetime
    is_whole: bool = True

    @property
    def label(self) -> str:
        """Where a person finds it: `orders page 3`."""
        return f"{self.stream} page {self.number}"


class LiveConnection(Connection):
    """A connection whose source answers requests. A named kind fixes `url` or works it out in `base`, and may fix `auth`."""

    readings: ClassVar[frozenset[str]] = frozenset()  # tables of counters that the source shows only as they are now

    url: str = ""
    auth: Auth | None = None
    limits: Limits = Limits()
    overlap_minutes: int = Field(default=60, ge=0)

    @field_validator("url")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        try:
            return checked_base(value) if value else value
        except SourceError as error:
            raise ValueError(str(error)) from None

    @property
    def base(self) -> str:
        """The address that paths are relative to. It ends with a slash, or the last part of it would be replaced."""
        return self.url if self.url.endswith("/") else self.url + "/"

    @property
    def overlap(self) -> timedelta:
        """How much more than the window is asked for, on both sides."""
        return timedelta(minutes=self.overlap_minutes)

    def secret_names(self) -> list[str]:
        """The environment variables that the entry names as secrets."""
        return secret_names(self)

    def reading_tables(self) -> frozenset[str]:
        """The tables whose rows are readings; by default those of the kind."""
        return self.readings

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The source, signed in as the entry says. A kind with a way of its own to sign in overrides this."""
        auth = self.auth.make(self.base, secrets, clock.now, self.name) if self.auth else None
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    @abstractmethod
    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Ask for everything that changed in the window, page by page; readings only when `takes_readings`."""

    @abstractmethod
    def read(self, page: Page) -> Iterator[Frame]:
        """Turn one page into frames of the landing contract, indexed by record number (`page.start` is the first's)."""

    def paths(self, stream: str) -> Collection[str]:
        """The paths that are read of a record of `stream`, to tell which fields nobody reads; none where that is not known."""
        del stream
        return ()

    def takes_readings(self, api: Api, window: Window) -> bool:
        """Whether counters read now belong to a day of the window."""
        return reading_day(api.clock.now(), self.zone) in window


def reading_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day a counter read at `moment` belongs to: the night's reading, up to noon, closes the day before."""
    return (moment.astimezone(zone) - NOON).date()


class Bound(BaseModel):
    """How an end of the window is told to the source: the parameter, and how an instant is written in it.

    `format` is iso (2024-01-31T00:00:00Z), local (the same in the connection's zone, with its offset), date, epoch, epoch_ms or a
    strftime pattern; `template` puts it into a larger expression, such as `updated_at:>={}`. A date is taken a day wider.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    param: str = Field(min_length=1)
    format: str = Field(default="iso", min_length=1)
    template: str = Field(default="{}", pattern=r"\{\}")

    def value(self, moment: datetime, zone: ZoneInfo, is_end: bool = False) -> Any:
        """The parameter's value for `moment`."""
        local = moment.astimezone(zone)
        if self.format == "epoch":
            written: Any = int(moment.timestamp())
        elif self.format == "epoch_ms":
            written = int(moment.timestamp() * 1000)
        elif self.format == "date":
            written = (local.date() + timedelta(days=1 if is_end else -1)).isoformat()
        elif self.format == "local":
            written = local.isoformat(timespec="seconds")
        elif self.format == "iso":
            written = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        else:
            written = local.strftime(self.format)
        return written if self.template == "{}" else self.template.format(written)
