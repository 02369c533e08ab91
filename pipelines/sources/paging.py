"""How a list is read page by page: the options of `paging`, and the walk over the pages.

Every style ends for sure: a link or a cursor that comes a second time is an error, since nobody knows what is missing. Page
numbers and offsets go on until a page is empty (or `total` is reached): a page shorter than asked for may only mean that the
server allows no longer ones. Where `total` falls during the walk, or the record before an offset is another than it was, records
have moved up past the place we were at; the walk is then repeated, and what comes twice falls out at the door. Other lists
should begin with the newest: what changes while they are read then moves away from the place we are at, never past it.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from pipelines.sources.connection import SourceError
from pipelines.sources.expressions import Path, first
from pipelines.sources.http import Answer, Refused

MOST_WALKS = 3

Identity = Callable[[Any], Any]  # what tells a record from the others, whatever else of it changes
Send = Callable[[Mapping[str, Any], str | None], Answer]  # parameters to add, or the link to follow instead


class Listed(NamedTuple):
    """One page: the answer and the records in it."""

    answer: Answer
    records: list[Any]


class _Paging(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Once(_Paging):
    """The whole list is one answer."""

    type: Literal["once"] = "once"

    def walk(self, send: Send, records: Callable[[Any], list[Any]], identity: Identity | None = None) -> Iterator[Listed]:
        """The one page."""
        answer = send({}, None)
        yield Listed(answer, records(answer.body))


class _Linked(_Paging):
    size_param: str | None = None
    size: int = Field(default=100, ge=1)

    @abstractmethod
    def next(self, answer: Answer) -> Any:
        """The address of the next page, if there is one."""

    def walk(self, send: Send, records: Callable[[Any], list[Any]], identity: Identity | None = None) -> Iterator[Listed]:
        """Follow the links."""
        seen: set[str] = set()
        answer = send({self.size_param: self.size} if self.size_param else {}, None)
        while True:
            yield Listed(answer, records(answer.body))
            link = self.next(answer)
            if not link:
                return
            _new(seen, str(link), "link to the next page")
            answer = send({}, str(link))


class NextLink(_Linked):
    """The answer holds the address of the next page at `path`."""

    type: Literal["next_link"]
    path: Path = "next"

    def next(self, answer: Answer) -> Any:
        """The address of the next page, if there is one."""
        return first(self.path, answer.body)


class LinkHeader(_Linked):
    """The header `Link` holds the address of the next page (`rel="next"`, RFC 8288)."""

    type: Literal["link_header"]

    def next(self, answer: Answer) -> Any:
        """The address of the next page, if there is one."""
        for part in re.split(r",\s*(?=<)", answer.headers.get("link", "")):
            match = re.match(r"\s*<([^>]*)>(.*)", part)
            if match and re.search(r';\s*rel="?[^";]*\bnext\b', match[2]):
                return match[1]
        return None


class Cursor(_Paging):
    """The answer holds the cursor of the next page at `path`, sent as `param`. GraphQL connections are this, with `more`."""

    type: Literal["cursor"]
    param: str = "cursor"
    path: Path
    more: Path | None = None  # says whether there is a next page, where the cursor alone does not
    size_param: str | None = None
    size: int = Field(default=100, ge=1)

    def walk(self, send: Send, records: Callable[[Any], list[Any]], identity: Identity | None = None) -> Iterator[Listed]:
        """Follow the cursors. An empty page with a cursor is not the end."""
        size = {self.size_param: self.size} if self.size_param else {}
        seen: set[str] = set()
        answer = send(size, None)
        while True:
            yield Listed(answer, records(answer.body))
            cursor = first(self.path, answer.body)
            if cursor in (None, "", 0, False) or (self.more is not None and not first(self.more, answer.body)):
                return
            _new(seen, str(cursor), "cursor")
            answer = send({**size, self.param: cursor}, None)


class _Counted(_Paging):
    size: int = Field(default=100, ge=2)
    total: Path | None = None
    seam: ClassVar[int] = 0  # records of the page before that are asked for again, to see that the list has not moved

    @abstractmethod
    def at(self, page: int, read: int) -> dict[str, Any]:
        """The parameters of the page that follows `page` pages with `read` records."""

    def walk(self, send: Send, records: Callable[[Any], list[Any]], identity: Identity | None = None) -> Iterator[Listed]:
        """Walk, and walk again where the list moved up under our feet."""
        for _ in range(MOST_WALKS):
            moved = yield from self._walk(send, records, identity)
            if not moved:
                return
        raise SourceError(f"the list moved during each of {MOST_WALKS} walks; sort it newest first, or pull when less changes")

    def _walk(self, send: Send, records: Callable[[Any], list[Any]], identity: Identity | None) -> Generator[Listed, None, bool]:
        page = read = 0
        seam: list[Any] = []
        totals: list[int] = []
        before = ""
        while True:
            try:
                answer = send(self.at(page, read - len(seam)), None)
            except Refused as error:
                if page and error.status == 404:  # some servers have no page past the end
                    return False
                raise
            found = records(answer.body)
            if self.total is not None and (total := first(self.total, answer.body)) is not None:
                totals.append(int(total))
            if seam:
                if identity is None or [identity(record) for record in found[: len(seam)]] != seam:
                    return True
                found = found[len(seam) :]
            if not found:
                break
            mark = hashlib.sha256(json.dumps(found, sort_keys=True, default=str).encode()).hexdigest()
            if mark == before:
                # A server that stays at its last page repeats it; one that does not know the parameter repeats the first.
                if page == 1 and len(found) >= self.size:
                    raise SourceError(f"page 2 is page 1 once more: the source does not know {', '.join(self.at(1, 1))}")
                break
            before = mark
            yield Listed(answer, found)
            page, read = page + 1, read + len(found)
            seam = [identity(record) for record in found[-self.seam :]] if identity and self.seam else []
            if totals and read >= totals[-1]:
                break
        return bool(totals) and totals[-1] < totals[0]


class PageNumber(_Counted):
    """Pages are numbered from `first` in the parameter `param`."""

    type: Literal["page"]
    param: str = "page"
    first: int = 1
    size_param: str | None = "per_page"

    def at(self, page: int, read: int) -> dict[str, Any]:
        """The number of the page, and its size."""
        del read
        return {self.param: self.first + page} | ({self.size_param: self.size} if self.size_param else {})


class Offset(_Counted):
    """Pages begin after so many records, told by the parameter `param`."""

    type: Literal["offset"]
    seam: ClassVar[int] = 1
    param: str = "offset"
    size_param: str | None = "limit"

    def at(self, page: int, read: int) -> dict[str, Any]:
        """How many records to pass over, and how many to give."""
        del page
        return {self.param: read} | ({self.size_param: self.size} if self.size_param else {})


Paging = Annotated[Once | NextLink | LinkHeader | Cursor | PageNumber | Offset, Field(discriminator="type")]


def _new(seen: set[str], mark: str, what: str) -> None:
    if mark in seen:
        raise SourceError(f"the source gives the same {what} twice: its list goes in a circle")
    seen.add(mark)
