"""Fields of an answer to columns: units, persons, children, and what is told when a field is not as expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipelines.sources import mapped
from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.contract import table
from pipelines.sources.ec.rest import RestShop
from pipelines.sources.live import Page
from pipelines.sources.mapped import Context, Unit, units

READ_AT = datetime(2026, 11, 26, 17, tzinfo=UTC)


def shop(columns: Mapping[str, Any], rows: Mapping[str, Any] | None = None, **options: Any) -> RestShop:
    own = {"order_id": "id", "updated_at": "at", "ordered_at": "at", **columns}
    stream = {"table": "orders", "columns": own, "rows": rows or {}}
    return RestShop.model_validate(
        {"name": "shop", "kind": "rest", "url": "https://shop.example.com", "streams": {"orders": stream}, **options}
    )


def read(connection: RestShop, *records: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What one page of these records gives, by table."""
    page = Page("orders", 1, 1, list(records), READ_AT)
    return {frame.table: frame.rows.to_dict("records") for frame in connection.read(page)}


def one(column: str, unit: Any, record: Mapping[str, Any], source: str = "ec", name: str = "orders") -> Any:
    made = mapped.rows(
        table(source, name), [record], units({column: unit}), Context(shop({}), platform="x"), label="orders page 1"
    )
    return made[column].iloc[0]


@pytest.mark.parametrize(
    ("unit", "given", "amount"),
    [
        ("v", 1234, Decimal("1234")),
        ("v", "1,234.50", Decimal("1234.50")),
        ("v", Decimal("0.1"), Decimal("0.1")),
        (Unit(path="v", minor_units=2), 1234, Decimal("12.34")),
        (Unit(path="v", minor_units=0), 1234, Decimal("1234")),
        (Unit(path="v", minor_units=3), "-1500", Decimal("-1.5")),
        (Unit(path="v", divide_by=1000000), 2500000, Decimal("2.5")),
        (Unit(path="v", negate=True), 500, Decimal("-500")),
        ("v", None, None),
        ("v", "", None),
    ],
)
def test_amounts_have_the_unit_that_is_told(unit: Any, given: object, amount: Decimal | None) -> None:
    assert one("total_amount", unit, {"v": given}) == amount


@pytest.mark.parametrize(
    ("unit", "given"),
    [
        ("v", "2026-11-26T03:00:00Z"),
        ("v", "2026-11-26T12:00:00+09:00"),
        ("v", "2026-11-26 12:00:00"),  # the connection's zone
        (Unit(path="v", zone="UTC"), "2026-11-26T03:00:00"),
        (Unit(path="v", epoch="s"), 1795662000),
        (Unit(path="v", epoch="ms"), 1795662000000),
        (Unit(path="v", format="%d/%m/%Y %H:%M", zone="Europe/London"), "26/11/2026 03:00"),
    ],
)
def test_times_have_the_unit_and_the_zone_that_are_told(unit: Any, given: object) -> None:
    assert one("ordered_at", unit, {"v": given}) == datetime(2026, 11, 26, 3, tzinfo=UTC)


def test_what_cannot_be_read_is_a_bad_cell_that_names_its_path() -> None:
    assert one("total_amount", "totals.gross", {"totals": {"gross": "many"}}) == Bad("totals.gross", "many", "not a number")
    bad = one("total_amount", Unit(path="v", minor_units=2), {"v": "many"})
    assert (bad.raw, bad.why) == ("many", "not a number")
    assert isinstance(one("ordered_at", Unit(path="v", format="%d/%m/%Y"), {"v": "someday"}), Bad)


def test_a_list_or_an_object_is_no_value() -> None:
    with pytest.raises(SourceError, match="v is no single value but a list"):
        one("total_amount", "v", {"v": [1]})


def test_persons_are_persons() -> None:
    assert one("customer_pid", "v", {"v": 7}) == Person("customer", "id", "7", "shop")
    assert one("customer_pid", Unit(path="v", scope="main_shop"), {"v": 7}) == Person("customer", "id", "7", "main_shop")
    assert one("mail_pid", "v", {"v": "a@example.jp"}) == Person("customer", "mail", "a@example.jp", "")
    assert one("author_pid", "v", {"v": "@me"}, "sns", "mentions") == Person("social", "handle", "@me", "x")
    assert one("author_pid", Unit(path="v", identified_by="id"), {"v": 5}, "sns", "mentions").kind == "id"


def test_a_field_of_no_record_is_told_and_one_that_is_null_is_blank() -> None:
    with pytest.raises(SourceError, match=r"no record has customer.id \(for customer_pid\); the source sends at, id, user"):
        read(shop({"customer_pid": "customer.id"}), {"id": 1, "at": "2026-11-26T00:00:00Z", "user": {}})
    rows = read(shop({"customer_pid": "customer.id"}), {"id": 1, "at": "2026-11-26T00:00:00Z", "customer": None})
    assert rows["orders"][0]["customer_pid"] is None
    optional = shop({"customer_pid": {"path": "customer.id", "optional": True}})
    assert read(optional, {"id": 1, "at": "2026-11-26T00:00:00Z"})["orders"][0]["customer_pid"] is None


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"totl": "total"}, "has no column totl"),
        ({"total_amount": "a..b"}, "is no JMESPath"),
        ({"total_amount": {"path": "a", "value": 1}}, "exactly one of path, value"),
        ({"ordered_at": {"path": "a", "zone": "Tokio"}}, "unknown time zone"),
    ],
)
def test_a_wrong_column_is_told_when_the_entry_is_read(columns: Mapping[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        shop(columns)


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


def test_fields_nobody_reads_are_named() -> None:
    records = [{"id": 1, "at": 2, "extra": 3}, {"id": 1, "more": {}}]
    assert mapped.ignored_fields(records, ["id", "at", "lines"]) == ["extra", "more"]
