"""One list of a live source, read page by page: what `rest` and `graphql` are made of, and what named kinds read lists with.

Data flow: `Stream` (one entry of `streams`) -> the question for the window -> `read_list` -> `Page` of records, each with the
details that a second question had to fetch -> `Stream.frames`: the table's rows, and the rows of the children in them.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from pipelines.sources import cells, mapped
from pipelines.sources.auth import put
from pipelines.sources.connection import Bad, SourceError, Window
from pipelines.sources.contract import table
from pipelines.sources.expressions import Path, first, is_absent
from pipelines.sources.http import Answer, Api
from pipelines.sources.live import Bound, LiveConnection, Page
from pipelines.sources.mapped import Columns, Unit
from pipelines.sources.paging import Identity, Once, Paging, Send


def records_at(path: str, body: Any, what: str) -> list[Any]:
    """The records in an answer: the list at `path`, '' for the answer itself. SourceError when there is none."""
    found = first(path, body) if path else body
    if found is None and path and isinstance(body, dict) and not is_absent(path, body):
        return []
    if not isinstance(found, list):
        raise SourceError(f"{what}: the answer has no list at {path or 'its top'}; correct `records`")
    return found


def read_list(
    api: Api,
    name: str,
    send: Send,
    *,
    paging: Paging | None = None,
    records: str = "",
    is_over: Callable[[Sequence[Any]], bool] = lambda _: False,
    is_whole: bool = True,
    identity: Identity | None = None,
) -> Iterator[Page]:
    """The pages of one list, numbered; stops after a page of which `is_over` says that nothing needed can follow.

    `identity` tells a record from the others: with it, a list read by offsets is seen to move.
    """
    start = 1
    style = paging or Once()
    listed = style.walk(send, lambda body: records_at(records, body, name), identity)
    for number, (_, found) in enumerate(listed, start=1):
        yield Page(name, number, start, found, api.clock.now(), is_whole)
        start += len(found)
        if api.one_page or is_over(found):
            return


def moment_of(unit: Unit, record: Any, zone: ZoneInfo) -> datetime | None:
    """The instant a field of a record holds, None where there is none or it cannot be read."""
    value = cells.timestamp(pd.Series([unit.text(record, zone)], dtype="str", name=str(unit.path)), zone).iloc[0]
    return None if value is None or isinstance(value, Bad) else value


def day_of(unit: Unit, record: Any, zone: ZoneInfo) -> date | None:
    """The day of that instant in the connection's zone."""
    moment = moment_of(unit, record, zone)
    return None if moment is None else moment.astimezone(zone).date()


def filled(template: str, record: Any) -> str:
    """`orders/{number}/lines` with what the JMESPath in each pair of braces finds in the record."""

    def value(match: re.Match[str]) -> str:
        found = first(match[1], record)
        if found is None or isinstance(found, (dict, list)):
            raise SourceError(f"details: {match[0]} finds nothing in a record")
        return str(found)

    return re.sub(r"\{([^{}]+)\}", value, template)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Child(_Options):
    """Rows of another table in every record: the list at `each`. They take what they do not map from their record."""

    each: Path
    columns: Columns = Field(min_length=1)


class Detail(_Options):
    """What a second question about each record fetches: `path` may hold `{number}`, or be a link in the record (`{lines}`)."""

    path: str = Field(min_length=1)
    records: Path = ""
    paging: Paging = Once()
    single: bool = False  # the answer is one object, not a list


class Stream(_Options):
    """One list of the source and the landing table its records are rows of.

    `updated_at` and `business_date` stand among the `columns`. `newest_first`: the list cannot be filtered by date but begins
    with the newest; reading stops at the first page that is older than the window.
    """

    records: Path = ""
    paging: Paging = Once()
    since: Bound | None = None
    until: Bound | None = None
    newest_first: bool = False
    table: str
    columns: Columns = Field(min_length=1)
    rows: dict[str, Child] = Field(default_factory=dict)
    details: dict[str, Detail] = Field(default_factory=dict)

    @abstractmethod
    def sender(self, api: Api, bounds: Mapping[str, Any]) -> Send:
        """What asks for a page, given the parameters of the window."""

    def keys(self, source: str) -> Collection[str]:
        """The columns that tell a record from the others."""
        return table(source, self.table).key

    def changed(self) -> Unit | None:
        """The column by which a list is filtered and sorted: when a record last changed."""
        return self.columns.get("updated_at")

    def pages(
        self, api: Api, name: str, connection: LiveConnection, window: Window, back: timedelta = timedelta()
    ) -> Iterator[Page]:
        """The records of the window (and of as long as `back` before it), with their details; older ones are left out."""
        start, end = window.instants(connection.zone, connection.overlap)
        start -= back
        bounds: dict[str, Any] = {}
        if self.since:
            bounds[self.since.param] = self.since.value(start, connection.zone)
        if self.until:
            bounds[self.until.param] = self.until.value(end, connection.zone, is_end=True)
        changed = self.changed()

        def is_older(record: Any) -> bool:
            moment = None if changed is None else moment_of(changed, record, connection.zone)
            return moment is not None and moment < start

        def is_over(found: Sequence[Any]) -> bool:
            return self.newest_first and bool(found) and all(map(is_older, found))

        send = self.sender(api, bounds)
        named = [unit for column, unit in self.columns.items() if unit.path and column in self.keys(connection.source)]

        def identity(record: Any) -> tuple[str, ...]:
            return tuple(unit.text(record, connection.zone) for unit in named)

        listed = read_list(
            api, name, send, paging=self.paging, records=self.records, is_over=is_over, is_whole=self.is_whole,
            identity=identity if named else None,
        )  # fmt: skip
        for page in listed:
            mapped.require_fields(page.label, page.records, self._without_details())
            kept = [record for record in page.records if not is_older(record)]
            yield page._replace(records=[self._detailed(api, record) for record in kept])

    @property
    def is_whole(self) -> bool:
        """Whether a record is a document by itself, not one of several rows of it."""
        return bool(self.rows)

    def _without_details(self) -> dict[str, Unit]:
        def is_own(unit: Unit) -> bool:
            return not self.details or unit.path is None or unit.path.split(".")[0] not in self.details

        return {name: unit for name, unit in self.columns.items() if is_own(unit)}

    def _detailed(self, api: Api, record: Any) -> Any:
        if not self.details:
            return record
        found = dict(record)
        for name, detail in self.details.items():
            path = filled(detail.path, found)

            def ask(extra: Mapping[str, Any], link: str | None, path: str = path) -> Answer:
                return api.get(link or path, None if link else extra)

            if detail.single:
                found[name] = first(detail.records, ask({}, None).body) if detail.records else ask({}, None).body
            else:
                listed = read_list(api, name, ask, paging=detail.paging, records=detail.records)
                found[name] = [one for page in listed for one in page.records]
        return found

    def paths(self) -> list[str]:
        """Every path into a record, for telling which fields nobody reads."""
        own = [str(unit.path) for unit in self.columns.values() if unit.path]
        own += [child.each for child in self.rows.values()]
        nested = [str(unit.path) for child in self.rows.values() for unit in child.columns.values() if unit.path]
        own += [path.removeprefix("_parent.") for path in nested if path.startswith("_parent.")]
        return own + [inner for detail in self.details.values() for inner in re.findall(r"\{([^{}]+)\}", detail.path)]


class RestStream(Stream):
    """A list below an address."""

    path: str = ""
    params: dict[str, str | int | bool] = Field(default_factory=dict)

    def sender(self, api: Api, bounds: Mapping[str, Any]) -> Send:
        """GET, with the parameters of the entry, the window and the page; a link is followed as it is."""
        given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in self.params.items()}

        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            return api.get(link or self.path, None if link else {**given, **bounds, **extra})

        return send


class GraphqlStream(Stream):
    """A list that a query gives; parameters of window and page are its variables (`options.skip` is one inside another)."""

    query: str = Field(min_length=1)
    variables: dict[str, Any] = Field(default_factory=dict)

    def sender(self, api: Api, bounds: Mapping[str, Any]) -> Send:
        """POST the query with its variables."""

        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            if link is not None:
                raise SourceError("a GraphQL list has no links; use cursor, page or offset")
            variables = _copied(self.variables)
            for place, value in {**bounds, **extra}.items():
                put(variables, place, value)
            return api.graphql(self.query, variables)

        return send


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
