"""Fields of an answer to columns: units, persons, children, and what is told when a field is not as expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from vendors.pages import read, shop

from pipelines.sources import mapped
from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.contract import table
from pipelines.sources.mapped import Context, Unit, units


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


def test_fields_nobody_reads_are_named() -> None:
    records = [{"id": 1, "at": 2, "extra": 3}, {"id": 1, "more": {}}]
    assert mapped.ignored_fields(records, ["id", "at", "lines"]) == ["extra", "more"]
