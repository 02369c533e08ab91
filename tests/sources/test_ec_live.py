"""Shops described by their entry alone: lines completed, children, what is taken back, and what is asked of the source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from vendors.base import Reply, Request
from vendors.pages import read, shop
from vendors.scripted import Server

from pipelines.sources.connection import Person, SourceError, Window
from pipelines.sources.ec.graphql import GraphqlShop
from pipelines.sources.ec.rest import RestShop

DAY = Window(date(2026, 11, 26), date(2026, 11, 26))


LINE = {"line_no": "n", "quantity": "q"}
ORDER = {"id": "A1", "at": "2026-11-26T00:00:00Z", "state": "open"}


@pytest.mark.parametrize(
    ("options", "columns", "given", "expected"),
    [
        # unit price with tax: 3 x 110 = 330, of which 30 are tax
        ({"tax_included": True, "tax_rate": 0.1}, {"unit_price": "p"}, {"p": 110}, ("300", "30", "110")),
        # unit price without tax: 3 x 100 and 10 % on it
        ({"tax_rate": 0.1}, {"unit_price": "p"}, {"p": 100}, ("300", "30", "100")),
        # the shop states both totals: the tax is the difference, the price that of a piece without tax
        ({}, {"amount": "net", "gross": "all"}, {"net": 300, "all": 324}, ("300", "24", "100")),
        # the total with tax alone
        ({"tax_included": True, "tax_rate": 0.08}, {"gross": "all"}, {"all": 324}, ("300", "24", "108")),
        # all of it
        ({}, {"amount": "net", "tax_amount": "t", "unit_price": "p"}, {"net": 300, "t": 24, "p": 100}, ("300", "24", "100")),
        # gross and tax
        ({}, {"gross": "all", "tax_amount": "t"}, {"all": 324, "t": 24}, ("300", "24", "100")),
    ],
)  # fmt: skip
def test_a_line_is_completed_from_what_the_shop_states(
    options: Mapping[str, Any], columns: Mapping[str, str], given: Mapping[str, int], expected: tuple[str, str, str]
) -> None:
    connection = shop({}, {"order_lines": {"each": "lines", "columns": {**LINE, **columns}}}, **options)
    line = read(connection, {**ORDER, "lines": [{"n": 1, "q": 3, **given}]})["order_lines"][0]
    assert tuple(line[name] for name in ("amount", "tax_amount", "unit_price")) == tuple(map(Decimal, expected))
    assert (line["line_type"], line["currency"], line["order_id"]) == ("item", "JPY", "A1")


def test_children_take_what_they_do_not_map_from_their_record() -> None:
    rows = {
        "order_lines": {
            "each": "lines",
            "columns": {"line_no": "_position", "sku": "_value", "quantity": {"value": 1}, "amount": {"value": 5}},
        },
        "adjustments": {
            "each": "refunds",
            "columns": {
                "adjustment_id": "id", "type": {"value": "refund"}, "adjusted_at": "on", "reason": "_parent.state",
                "amount": {"path": "sum", "negate": True}, "tax_amount": {"value": 0},
            },
        },
    }  # fmt: skip
    connection = shop({"customer_pid": "user", "currency": {"value": "USD"}}, rows)
    refund = {"id": "R1", "on": "2026-11-20T00:00:00Z", "sum": 3}
    record = {**ORDER, "user": 9, "lines": ["tea", "mug"], "refunds": [refund]}
    made = read(connection, record, {**ORDER, "id": "A2", "user": None, "lines": [], "refunds": []})
    assert [(one["order_id"], one["line_no"], one["sku"], one["currency"]) for one in made["order_lines"]] == [
        ("A1", "1", "tea", "USD"), ("A1", "2", "mug", "USD"),
    ]  # fmt: skip
    (adjustment,) = made["adjustments"]
    assert adjustment["amount"] == Decimal(-3)
    assert adjustment["customer_pid"] == Person("customer", "id", "9", "shop")
    # Dated on its own day, yet part of the order's newest state.
    assert adjustment["business_date"] == date(2026, 11, 20)
    assert adjustment["updated_at"] == made["orders"][0]["updated_at"]
    assert adjustment["reason"] == "open"


def test_an_order_undone_as_a_whole_is_taken_back() -> None:
    rows = {"order_lines": {"each": "lines", "columns": {**LINE, "amount": "net", "tax_amount": "tax"}}}
    status = {"status": {"path": "state", "words": {"void": "cancelled"}}, "cancelled_at": "void_at"}
    record = {**ORDER, "state": "void", "void_at": "2026-11-25T20:00:00Z", "lines": [{"n": 1, "q": 2, "net": 200, "tax": 20}]}
    (adjustment,) = read(shop(status, rows), record)["adjustments"]
    assert (adjustment["type"], adjustment["amount"], adjustment["tax_amount"]) == ("cancel", Decimal(-200), Decimal(-20))
    assert adjustment["adjusted_at"] == datetime(2026, 11, 25, 20, tzinfo=UTC)
    assert adjustment["business_date"] == date(2026, 11, 26)


def test_orders_of_staff_are_tests() -> None:
    connection = shop({"mail_pid": "mail", "is_test": "test"}, staff=["@minamo.example"])
    made = read(
        connection,
        {**ORDER, "mail": "a@minamo.example", "test": False},
        {**ORDER, "mail": "a@example.jp", "test": True},
        {**ORDER, "mail": "a@example.jp", "test": False},
    )
    assert [order["is_test"] for order in made["orders"]] == [True, True, False]


COLUMNS = {"order_id": "id", "updated_at": "at", "ordered_at": "at"}


def test_a_graphql_shop_is_asked_with_the_variables_of_entry_window_and_page(server: Server) -> None:
    stream = {
        "query": "query($o: O) { orders(o: $o) { items { id at } n } }", "records": "orders.items",
        "variables": {"o": {"sort": "id"}},
        "paging": {"type": "offset", "param": "o.skip", "size_param": "o.take", "size": 2, "total": "orders.n"},
        "since": {"param": "o.filter.after"}, "until": {"param": "o.filter.before"}, "table": "orders", "columns": COLUMNS,
    }  # fmt: skip
    connection = GraphqlShop.model_validate(
        {"name": "shop", "kind": "graphql", "url": f"{server.url}graphql", "streams": {"orders": stream}}
    )
    rows = [{"id": number, "at": "2026-11-26T00:00:00Z"} for number in range(3)]

    def answer(request: Request) -> Reply:
        options = request.json["variables"]["o"]
        return Reply({"data": {"orders": {"items": rows[options["skip"] :][: options["take"]], "n": 3}}})

    server.vendor.script = answer
    pages = list(connection.pages(server.api_of(connection), DAY))
    assert [len(page.records) for page in pages] == [2, 1]
    bounds = {"after": "2026-11-25T14:00:00Z", "before": "2026-11-26T16:00:00Z"}
    # The second page begins with the last record of the first: so a list that has moved is noticed.
    asked = [request.json["variables"]["o"] for request in server.vendor.requests]
    assert asked == [{"sort": "id", "take": 2, "skip": skip, "filter": bounds} for skip in (0, 1)]
    assert {request.path for request in server.vendor.requests} == {"/graphql"}


def test_details_are_fetched_for_the_records_of_the_window_alone_page_by_page(server: Server) -> None:
    stream = {
        "path": "orders", "newest_first": True, "table": "orders", "columns": {**COLUMNS, "coupon_code": "info.coupon"},
        "details": {
            "lines": {"path": "orders/{id}/lines", "records": "items", "paging": {"type": "next_link"}},
            "info": {"path": "{info_url}", "single": True},
        },
        "rows": {"order_lines": {"each": "lines", "columns": {"line_no": "n", "quantity": "q", "amount": "a"}}},
    }  # fmt: skip
    connection = RestShop.model_validate({"name": "shop", "kind": "rest", "url": server.url, "streams": {"orders": stream}})

    def answer(request: Request) -> Reply:
        if request.path == "/orders":
            info = f"{server.url}info"
            return Reply([{"id": n, "at": f"2026-11-{day}T00:00:00Z", "info_url": info} for n, day in ((2, 26), (1, 20))])
        if request.path == "/info":
            return Reply({"coupon": "TEA"})
        page = int(request.query.get("page", 1))
        return Reply({"items": [{"n": page, "q": 1, "a": 5}], "next": f"{request.path}?page=2" if page == 1 else None})

    server.vendor.script = answer
    (page,) = connection.pages(server.api_of(connection), DAY)
    made = {frame.table: frame.rows.to_dict("records") for frame in connection.read(page)}
    assert [(line["order_id"], line["line_no"]) for line in made["order_lines"]] == [("2", "1"), ("2", "2")]
    assert made["orders"][0]["coupon_code"] == "TEA"
    assert [request.path for request in server.vendor.requests] == ["/orders", "/orders/2/lines", "/orders/2/lines", "/info"]


def test_a_detail_without_its_field_is_told(server: Server) -> None:
    stream = {"table": "orders", "columns": COLUMNS, "details": {"lines": {"path": "orders/{number}/lines"}}}
    connection = RestShop.model_validate({"name": "shop", "kind": "rest", "url": server.url, "streams": {"orders": stream}})
    server.replies(Reply([{"id": 1, "at": "2026-11-26T00:00:00Z"}]))
    with pytest.raises(SourceError, match=r"\{number\} finds nothing"):
        list(connection.pages(server.api_of(connection), DAY))


def test_a_stream_that_does_not_say_when_records_changed_is_refused() -> None:
    with pytest.raises(ValueError, match="updated_at is missing"):
        RestShop.model_validate(
            {"name": "shop", "kind": "rest", "url": "https://shop.example.com",
             "streams": {"orders": {"table": "orders", "columns": {"order_id": "id"}}}}
        )  # fmt: skip
