"""What live social networks share, those of `rest` and `graphql` too: counters read now, and posts by others in the window.

Data flow: streams of records -> sns.accounts and sns.posts, one row per account or post and day of reading; sns.mentions, one row
per post by somebody else.

A network shows counters only as they are now. A reading before noon closes the day before, so that the night's is the day's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd
from pydantic import Field, model_validator

from pipelines.sources import mapped
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.http import Api
from pipelines.sources.layouts import local_day, midnight, readable
from pipelines.sources.live import LiveConnection, Page, reading_day
from pipelines.sources.mapped import Unit
from pipelines.sources.sns.base import Platform
from pipelines.sources.streams import GraphqlStream, RestStream, Stream

READINGS = frozenset({"accounts", "posts"})
S = TypeVar("S", bound=Stream)


class _NetworkStream(Stream):
    """Posts that are older than `days_back` when they are read are left out: their counters hardly move any more."""

    days_back: int = Field(default=90, ge=1)

    def changed(self) -> Unit | None:
        """When a mention changed, or a post was written: what lists are sorted by."""
        return self.columns.get("updated_at") or self.columns.get("posted_at")


class NetworkRestStream(_NetworkStream, RestStream):
    """A list below an address."""


class NetworkGraphqlStream(_NetworkStream, GraphqlStream):
    """A list that a query gives."""


class NetworkStreams(LiveConnection, Generic[S]):
    """A social network whose lists and fields are described by its entry."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts", "mentions")
    readings: ClassVar[frozenset[str]] = READINGS

    platform: Platform
    account_id: str | None = None
    streams: dict[str, S] = Field(min_length=1)

    @model_validator(mode="after")
    def _mapped(self) -> NetworkStreams[S]:
        for name, stream in self.streams.items():
            if stream.table not in self.tables:
                raise ValueError(f"streams.{name}: there is no table {stream.table!r}; the tables are {', '.join(self.tables)}")
            if stream.rows:
                raise ValueError(f"streams.{name}: rows are for records that hold others; counters hold none")
            mapped.check_columns(table("sns", stream.table), stream.columns)
            if "account_id" not in stream.columns and self.account_id is None and stream.table != "mentions":
                raise ValueError(f"streams.{name}: say whose counters these are: account_id, here or in columns")
            if stream.table != "accounts" and "posted_at" not in stream.columns:
                raise ValueError(f"streams.{name}.columns: posted_at is missing")
        return self

    def reading_tables(self) -> frozenset[str]:
        """The tables of counters that the entry's streams fill."""
        return READINGS & {stream.table for stream in self.streams.values()}

    def paths(self, stream: str) -> Collection[str]:
        """Every path of the stream's columns, children and details."""
        return self.streams[stream].paths()

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Mentions of the window; counters where they can be read for a day of it."""
        for name, stream in self.streams.items():
            if stream.table == "mentions":
                yield from stream.pages(api, name, self, window)
            elif self.takes_readings(api, window):
                today = reading_day(api.clock.now(), self.zone)
                back = timedelta(days=getattr(stream, "days_back", 0))
                yield from stream.pages(api, name, self, Window(today, today), back)

    def read(self, page: Page) -> Iterator[Frame]:
        """The page's records, counters on the day they were read."""
        stream = self.streams[page.stream]
        context = mapped.Context(self, platform=self.platform)
        rows = mapped.rows(table("sns", stream.table), page.records, stream.columns, context, label=page.label, start=page.start)
        rows["platform"] = self.platform
        if "account_id" not in rows:
            rows["account_id"] = self.account_id
        if stream.table in READINGS:
            yield Frame(stream.table, on_day_of_reading(rows, page, self))
            return
        posted = readable(rows["posted_at"])
        if "updated_at" not in rows:
            replied = readable(rows["first_reply_at"]) if "first_reply_at" in rows else posted
            rows["updated_at"] = replied.where(replied.notna(), posted)
        yield Frame(stream.table, rows)


class Conversation(LiveConnection):
    """One of our accounts on a network that tells who wrote to us: a mention lands again on the day of our first reply.

    Replies are looked for among `reply_days` days of our own posts; posts older than `post_days` are no longer read.
    """

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts", "mentions")
    readings: ClassVar[frozenset[str]] = READINGS

    post_days: int = Field(default=90, ge=1)
    reply_days: int = Field(default=14, ge=0)

    @abstractmethod
    def account(self, api: Api) -> Any:
        """Our account with its counters."""

    @abstractmethod
    def posts(self, api: Api, account: Any, oldest: datetime, reads: bool) -> Iterator[Page]:
        """Our own posts, the newest first, as far back as `oldest`; `reads` says whether their counters are wanted."""

    @abstractmethod
    def answered(self, post: Any) -> tuple[str, str] | None:
        """Which post a post of ours replies to, and when ours was written."""

    @abstractmethod
    def mentions(
        self, api: Api, account: Any, since: datetime, oldest: datetime, replies: Mapping[str, str]
    ) -> Iterator[Page]:
        """What others wrote to us since `oldest` that changed since `since`; `replies` says when we first replied to a post."""

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The account and our posts where the window holds the day of reading; then the mentions that changed in the window."""
        account = self.account(api)
        since, _ = window.instants(self.zone, self.overlap)
        replies: dict[str, str] = {}
        oldest = written_since = since - timedelta(days=self.reply_days)
        reads = self.takes_readings(api, window)
        if reads:
            yield Page("accounts", 1, 1, [account], api.clock.now())
            oldest = min(oldest, api.clock.now() - timedelta(days=self.post_days))
        for page in self.posts(api, account, oldest, reads):
            for number, written in filter(None, map(self.answered, page.records)):
                replies[number] = min(replies.get(number, written), written, key=instant)
            if reads:
                yield page
        yield from self.mentions(api, account, since, written_since, replies)


def instant(text: str) -> datetime:
    """An ISO time."""
    return datetime.fromisoformat(text)


def rows_of(
    connection: LiveConnection,
    page: Page,
    name: str,
    records: Sequence[Any],
    columns: Mapping[str, Unit],
    platform: str,
    account: str,
) -> pd.DataFrame:
    """Records of one of our accounts as rows of `name`: counters on the day they were read, mentions on that of their change."""
    context = mapped.Context(connection, platform=platform)
    rows = mapped.rows(table("sns", name), records, columns, context, label=page.label, start=page.start)
    rows["platform"], rows["account_id"] = platform, account
    return on_day_of_reading(rows, page, connection) if name in READINGS else rows


def on_day_of_reading(rows: pd.DataFrame, page: Page, connection: LiveConnection) -> pd.DataFrame:
    """Rows of counters dated by when they were read; a post keeps its own day as `business_date`."""
    day: Any = pd.Series([reading_day(page.read_at, connection.zone)] * len(rows), index=rows.index, dtype=object)
    rows["day"] = rows["change_date"] = day
    rows["updated_at"] = midnight(day, connection.zone)
    rows["business_date"] = local_day(readable(rows["posted_at"]), connection.zone) if "posted_at" in rows else day
    return rows
