"""Lists of a server that is not as it should be: circles, short pages, pages that repeat, rows that move."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from vendors.base import Reply, Request
from vendors.scripted import Server, asking

from pipelines.sources.connection import SourceError
from pipelines.sources.limits import Limits
from pipelines.sources.live import Bound
from pipelines.sources.paging import Cursor, LinkHeader, NextLink, Offset, PageNumber, Paging
from pipelines.sources.streams import read_list


def everything(server: Server, paging: Paging) -> list[Any]:
    api = server.api(bounds=Limits(requests=200))
    return [one for page in read_list(api, "list", asking(api), paging=paging, records="items") for one in page.records]


def test_a_link_or_cursor_that_comes_again_is_a_circle(server: Server) -> None:
    server.vendor.script = lambda request: Reply({"items": [1], "next": f"/list?page={1 - int(request.query.get('page', 0))}"})
    with pytest.raises(SourceError, match="goes in a circle"):
        everything(server, NextLink(type="next_link"))
    server.replies(Reply({"items": [1], "next": "same"}))
    with pytest.raises(SourceError, match="same cursor twice"):
        everything(server, Cursor(type="cursor", path="next"))


def test_a_server_that_allows_only_short_pages_loses_no_row(server: Server) -> None:
    rows = list(range(25))
    server.vendor.script = lambda request: Reply({"items": rows[int(request.query["offset"]) :][:10]})
    assert everything(server, Offset(type="offset", size=100)) == rows


def test_a_server_that_repeats_its_last_page_is_at_its_end(server: Server) -> None:
    pages = [[1, 2], [3]]
    server.vendor.script = lambda request: Reply({"items": pages[min(int(request.query["page"]), 2) - 1]})
    assert everything(server, PageNumber(type="page", size=2)) == [1, 2, 3]


def test_a_server_that_does_not_know_the_parameter_is_told(server: Server) -> None:
    server.replies(Reply({"items": [1, 2]}))
    with pytest.raises(SourceError, match="does not know page"):
        everything(server, PageNumber(type="page", size=2))


def test_a_list_that_becomes_shorter_while_it_is_read_is_read_again(server: Server) -> None:
    rows = list(range(6))

    def script(request: Request) -> Reply:
        reply = Reply({"items": rows[int(request.query["offset"]) :][:2], "count": len(rows)})
        if len(server.vendor.requests) == 2:
            rows.pop(0)  # all others move up: the next offset passes one over
        return reply

    server.vendor.script = script
    read = everything(server, Offset(type="offset", size=2, total="count"))
    assert set(read) == {0, 1, 2, 3, 4, 5}
    assert 4 in read


def test_the_header_of_links_is_read_as_it_is_written(server: Server) -> None:
    header = '<list?a=1,2>; rel="prev", </list?p=2>; title="x, y"; rel="next"'
    server.vendor.script = lambda request: Reply({"items": [1]}, headers={"Link": header} if "p" not in request.query else {})
    assert everything(server, LinkHeader(type="link_header")) == [1, 1]


def test_an_answer_without_the_list_is_told(server: Server) -> None:
    server.replies(Reply({"results": []}))
    with pytest.raises(SourceError, match="has no list at items"):
        everything(server, NextLink(type="next_link"))


@pytest.mark.parametrize(
    ("format", "template", "value"),
    [
        ("iso", "{}", "2026-11-25T14:00:00Z"),
        ("local", "{}", "2026-11-25T23:00:00+09:00"),
        ("date", "{}", "2026-11-24"),
        ("epoch", "{}", 1795615200),
        ("epoch_ms", "{}", 1795615200000),
        ("%Y/%m/%d %H:%M", "{}", "2026/11/25 23:00"),
        ("iso", "updated_at:>='{}'", "updated_at:>='2026-11-25T14:00:00Z'"),
    ],
)
def test_an_end_of_the_window_is_written_as_the_source_reads_it(format: str, template: str, value: object) -> None:
    moment = datetime(2026, 11, 25, 14, tzinfo=UTC)
    assert Bound(param="since", format=format, template=template).value(moment, ZoneInfo("Asia/Tokyo")) == value


def test_a_list_read_by_offsets_is_seen_to_move_though_its_length_stays(server: Server) -> None:
    rows = [{"id": number} for number in range(6)]

    def script(request: Request) -> Reply:
        shown = list(rows[int(request.query["offset"]) :][:2])
        if len(server.vendor.requests) == 2:
            rows.append(rows.pop(0))  # it changed, and the list is sorted by that: all others move up
        return Reply({"items": shown})

    server.vendor.script = script
    pages = read_list(
        server.api(), "list", asking(server.api()), paging=Offset(type="offset", size=2), records="items",
        identity=lambda one: one["id"],
    )  # fmt: skip
    assert {one["id"] for page in pages for one in page.records} == {0, 1, 2, 3, 4, 5}


def test_a_list_that_moves_all_the_time_is_told(server: Server) -> None:
    numbers = iter(range(1000))
    server.vendor.script = lambda _: Reply({"items": [{"id": next(numbers)}, {"id": next(numbers)}]})
    pages = read_list(
        server.api(), "list", asking(server.api()), paging=Offset(type="offset", size=2), records="items",
        identity=lambda one: one["id"],
    )  # fmt: skip
    with pytest.raises(SourceError, match="the list moved during each of 3 walks"):
        list(pages)
