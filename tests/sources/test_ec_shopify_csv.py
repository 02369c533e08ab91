"""Shopify's order export: first-row headers, taxes per rate, discounts counted once, money that adds up to the stated total."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.connection import Bad, Person, Sheet, SourceError
from pipelines.sources.ec.shopify_csv import ShopifyCsv

HEADER = (
    "Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Currency", "Subtotal", "Shipping",
    "Taxes", "Total", "Discount Code", "Discount Amount", "Created at", "Lineitem quantity", "Lineitem name", "Lineitem price",
    "Lineitem sku", "Lineitem taxable", "Cancelled at", "Refunded Amount", "Id", "Tags", "Source", "Lineitem discount",
    "Tax 1 Name", "Tax 1 Value", "Tax 2 Name", "Tax 2 Value", "Phone", "Duties",
)  # fmt: skip
FIRST = {
    "Name": "#1001",
    "Email": "hanako@example.com",
    "Financial Status": "paid",
    "Paid at": "2024-02-01 09:00:00 +0900",
    "Currency": "JPY",
    "Shipping": "550",
    "Taxes": "250",
    "Total": "2750",
    "Discount Amount": "0",
    "Created at": "2024-01-31 23:59:59 +0900",
    "Lineitem quantity": "2",
    "Lineitem name": "Mug",
    "Lineitem price": "1100",
    "Lineitem sku": "MUG-1",
    "Lineitem taxable": "true",
    "Id": "5001",
    "Source": "web",
    "Tax 1 Name": "Consumption tax 10%",
    "Tax 1 Value": "250",
    "Phone": "090-1234-5678",
}


def read(*rows: dict[str, str], drop: tuple[str, ...] = (), **options: Any) -> dict[str, pd.DataFrame]:
    header = [name for name in HEADER if name not in drop]
    frame = pd.DataFrame([{name: row.get(name, "") for name in header} for row in rows], columns=header, dtype="str")
    frame.index = pd.RangeIndex(2, len(rows) + 2)
    connection = ShopifyCsv(name="shop", kind="shopify_csv", path=".", **options)
    return {frame.table: frame.rows for frame in connection.read(Sheet("orders_export.csv", frame))}


def line(**cells: str) -> dict[str, str]:
    return {"Name": "#1001", "Lineitem taxable": "true", **{key.replace("_", " "): value for key, value in cells.items()}}


def paid(lines: pd.DataFrame) -> Decimal:
    return sum(lines["amount"], Decimal(0)) + sum(lines["tax_amount"], Decimal(0))


def by_line(lines: pd.DataFrame, column: str) -> dict[str, Any]:
    return dict(zip(lines["line_no"], lines[column], strict=True))


def test_a_missing_column_is_named_with_all_the_others_that_are_missing() -> None:
    with pytest.raises(SourceError, match="has no column Currency, Total"):
        read(FIRST, drop=("Currency", "Total"))


def test_a_file_without_orders_gives_empty_tables() -> None:
    connection = ShopifyCsv(name="shop", kind="shopify_csv", path=".")
    frames = list(connection.read(Sheet("orders_export.csv", pd.DataFrame(columns=list(HEADER), dtype="str"))))
    assert [len(frame.rows) for frame in frames] == [0, 0, 0, 0]


def test_an_unreadable_price_marks_line_tax_and_whatever_is_computed_from_it() -> None:
    tables = read({**FIRST, "Lineitem price": "1,10", "Cancelled at": "2024-02-02 10:00:00 +0900"})
    (item,) = tables["order_lines"][tables["order_lines"]["line_no"] == "1"].to_dict("records")
    expected = Bad("Lineitem price", "1,10", "not a number")
    assert item["unit_price"] == item["amount"] == item["tax_amount"] == expected
    assert tables["adjustments"]["amount"].tolist() == [expected]


@pytest.mark.parametrize("name", ["Taxes", "Tax 1 Value"])
def test_an_unreadable_tax_leaves_no_line_of_the_order_with_an_amount(name: str) -> None:
    lines = read({**FIRST, name: "abc"})["order_lines"]
    assert all(isinstance(amount, Bad) for amount in lines["amount"])


def test_an_order_of_two_lines_is_read_from_its_first_row() -> None:
    second = line(Lineitem_quantity="1", Lineitem_name="Tea", Lineitem_price="1100", Lineitem_sku="TEA-1")
    tables = read({**FIRST, "Total": "3850", "Taxes": "350", "Tax 1 Value": "350"}, second)
    (order,) = tables["orders"].to_dict("records")
    assert order["order_id"] == "5001"
    assert order["ordered_at"] == datetime(2024, 1, 31, 14, 59, 59, tzinfo=UTC)
    assert order["business_date"] == date(2024, 1, 31)
    assert order["updated_at"] == datetime(2024, 2, 1, 0, 0, tzinfo=UTC)
    assert order["status"] == "paid"
    assert order["mail_pid"] == Person("customer", "mail", "hanako@example.com")
    assert order["phone_pid"] == Person("customer", "phone", "090-1234-5678")
    assert order["total_amount"] == 3850
    assert order["is_test"] is False
    # 2 x 1,100 contains 200 of tax, 1,100 contains 100, 550 of shipping contains 50
    assert by_line(tables["order_lines"], "amount") == {"1": 2000, "2": 1000, "shipping": 500}
    assert by_line(tables["order_lines"], "tax_amount") == {"1": 200, "2": 100, "shipping": 50}
    assert set(tables["order_lines"]["tax_rate"]) == {0.1}
    assert tables["products"][["sku", "name"]].to_dict("records") == [
        {"sku": "MUG-1", "name": "Mug"},
        {"sku": "TEA-1", "name": "Tea"},
    ]
    assert tables["adjustments"].empty


def test_a_guest_without_mail_has_no_pseudonym_and_an_order_without_id_goes_by_its_name() -> None:
    (order,) = read({**FIRST, "Id": "", "Email": "", "Phone": ""})["orders"].to_dict("records")
    assert (order["order_id"], order["mail_pid"], order["phone_pid"]) == ("#1001", None, None)


def test_an_id_a_spreadsheet_has_rounded_is_not_taken() -> None:
    (order,) = read({**FIRST, "Id": "5.70306E+17"})["orders"].to_dict("records")
    assert isinstance(order["order_id"], Bad)
    assert "spreadsheet damage" in order["order_id"].why


def test_discounts_of_lines_and_of_the_order_are_counted_once() -> None:
    # 2,200 of goods - 200 on the line - 100 on the order + 550 of shipping = 2,450
    lines = read(
        {**FIRST, "Discount Amount": "300", "Lineitem discount": "200", "Total": "2450", "Taxes": "223", "Tax 1 Value": "223"}
    )["order_lines"]
    assert by_line(lines, "unit_price") == {"1": 1100, "1-discount": -200, "shipping": 550, "discount": -100}
    assert by_line(lines, "line_type")["1-discount"] == by_line(lines, "line_type")["discount"] == "discount"
    assert paid(lines) == 2450
    assert sum(lines["tax_amount"]) == 223


def test_a_free_shipping_code_already_taken_off_is_not_taken_off_again() -> None:
    lines = read({**FIRST, "Shipping": "0", "Discount Amount": "550", "Total": "2200", "Taxes": "200", "Tax 1 Value": "200"})[
        "order_lines"
    ]
    assert by_line(lines, "unit_price") == {"1": 1100}
    assert paid(lines) == 2200


def test_food_at_8_percent_with_shipping_at_10_percent() -> None:
    lines = read({**FIRST, "Lineitem price": "1080", "Total": "2710", "Taxes": "210", "Tax 1 Name": "JCT 8%",
                  "Tax 1 Value": "160",
                  "Tax 2 Name": "JCT 10%", "Tax 2 Value": "50"})["order_lines"]  # fmt: skip
    assert by_line(lines, "tax_rate") == {"1": 0.08, "shipping": 0.1}
    assert by_line(lines, "amount") == {"1": 2000, "shipping": 500}


def test_goods_of_two_rates_are_told_apart_by_the_skus_at_the_reduced_rate() -> None:
    first = {
        **FIRST,
        "Shipping": "0",
        "Total": "3280",
        "Taxes": "280",
        "Tax 1 Value": "200",
        "Tax 2 Name": "8%",
        "Tax 2 Value": "80",
    }
    second = line(Lineitem_quantity="1", Lineitem_price="1080", Lineitem_sku="FOOD-7")
    lines = read(first, second, reduced_rate_skus=["FOOD-*"])["order_lines"]
    assert by_line(lines, "tax_rate") == {"1": 0.1, "2": 0.08}
    assert by_line(lines, "amount") == {"1": 2000, "2": 1000}


def test_duties_are_a_fee_and_an_order_without_its_first_row_has_no_time() -> None:
    tables = read(
        {**FIRST, "Duties": "300", "Total": "3050"}, {**line(Lineitem_quantity="1", Lineitem_price="5"), "Name": "#1002"}
    )
    lines = tables["order_lines"]
    assert by_line(lines[lines["order_id"] == "5001"], "line_type") == {"1": "item", "shipping": "shipping", "duties": "fee"}
    assert paid(lines[lines["order_id"] == "5001"]) == 3050
    assert tables["orders"][["order_id", "ordered_at", "total_amount"]].values.tolist()[1] == ["#1002", None, None]


def test_untaxed_goods_and_prices_without_tax() -> None:
    first = {**FIRST, "Currency": "USD", "Lineitem price": "10.00", "Shipping": "5.00", "Taxes": "2.50", "Total": "30.50",
             "Tax 1 Name": "State Tax 10%", "Tax 1 Value": "2.50"}  # fmt: skip
    second = {**line(Lineitem_quantity="1", Lineitem_price="3.00", Lineitem_sku="BOOK"), "Lineitem taxable": "false"}
    lines = read(first, second, taxes_included=False)["order_lines"]
    assert by_line(lines, "tax_amount") == {"1": 2, "2": 0, "shipping": Decimal("0.50")}
    assert by_line(lines, "tax_rate") == {"1": 0.1, "2": 0.0, "shipping": 0.1}
    assert paid(lines) == Decimal("30.50")


def test_a_cancelled_order_is_taken_back_once_on_the_day_it_was_cancelled() -> None:
    tables = read(
        {**FIRST, "Cancelled at": "2024-02-03 00:30:00 +0900", "Refunded Amount": "2750", "Financial Status": "refunded"}
    )
    assert tables["orders"]["status"].tolist() == ["cancelled"]
    (adjustment,) = tables["adjustments"].to_dict("records")
    assert (adjustment["adjustment_id"], adjustment["type"], adjustment["quantity"]) == ("5001-cancel", "cancel", -2)
    assert (adjustment["amount"], adjustment["tax_amount"]) == (-2500, -250)
    assert adjustment["business_date"] == date(2024, 2, 3)
    assert adjustment["mail_pid"] == Person("customer", "mail", "hanako@example.com")


def test_a_partial_refund_carries_its_share_of_the_tax() -> None:
    tables = read({**FIRST, "Refunded Amount": "1100", "Financial Status": "partially_refunded"})
    assert tables["orders"]["status"].tolist() == ["paid"]
    (adjustment,) = tables["adjustments"].to_dict("records")
    assert (adjustment["adjustment_id"], adjustment["type"]) == ("5001-refund", "refund")
    assert (adjustment["amount"], adjustment["tax_amount"]) == (-1000, -100)
    assert adjustment["adjusted_at"] == datetime(2024, 2, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("financial", "fulfillment", "status"),
    [
        ("paid", "fulfilled", "shipped"), ("pending", "", "placed"), ("authorized", "", "placed"),
        ("partially_paid", "", "placed"),
        ("unpaid", "", "placed"), ("expired", "", "placed"), ("", "", "placed"), ("refunded", "fulfilled", "returned"),
        ("voided", "", "cancelled"), ("weird", "fulfilled", "weird"),
    ],
)  # fmt: skip
def test_the_state_of_an_order_and_an_unknown_one_is_left_for_the_door(financial: str, fulfillment: str, status: str) -> None:
    orders = read({**FIRST, "Financial Status": financial, "Fulfillment Status": fulfillment})["orders"]
    assert orders["status"].tolist() == [status]


def test_orders_tagged_as_test_are_marked() -> None:
    tables = read({**FIRST, "Tags": "VIP, Staff"}, {**FIRST, "Name": "#1002", "Id": "5002"}, test_tags=["test", "staff"])
    assert tables["orders"]["is_test"].tolist() == [True, False]


def test_two_orders_with_the_same_buyer_and_no_shipping_stay_two() -> None:
    tables = read({**FIRST, "Shipping": ""}, {**FIRST, "Name": "#1002", "Id": "5002", "Shipping": ""})
    assert tables["order_lines"][["order_id", "line_no"]].values.tolist() == [["5001", "1"], ["5002", "1"]]
    assert len(tables["products"]) == 1


ITEM = st.tuples(st.integers(1, 30_000), st.integers(1, 9), st.integers(0, 1), st.sampled_from([8, 10]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(ITEM, min_size=1, max_size=4), st.integers(0, 900), st.integers(0, 500)), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from([[], ["R8"]]),
)
def test_amounts_and_taxes_of_the_lines_are_what_the_order_states(orders: list[Any], included: bool, reduced: list[str]) -> None:
    rows, totals, taxes_of = [], {}, {}
    for number, (items, shipping, discount) in enumerate(orders):
        reductions = [price * quantity // 10 if reduced else 0 for price, quantity, reduced, _ in items]
        goods = [price * quantity - off for (price, quantity, _, _), off in zip(items, reductions, strict=True)]
        discount = min(discount, sum(goods))
        taxable = {8: 0, 10: shipping}
        for amount, (_, _, _, rate) in zip(goods, items, strict=True):
            taxable[rate] += amount
        divisor = 100 if not included else None
        tax = {
            rate: (Decimal(base * rate) / (divisor or 100 + rate)).quantize(Decimal(1), ROUND_HALF_UP)
            for rate, base in taxable.items()
        }
        total = sum(goods) - discount + shipping + (0 if included else sum(tax.values()))
        totals[f"{number}"], taxes_of[f"{number}"] = total, sum(tax.values())
        for place, ((price, quantity, _, rate), off) in enumerate(zip(items, reductions, strict=True)):
            head = {
                "Currency": "JPY", "Created at": "2024-01-31 12:00:00 +0900", "Id": f"{number}", "Shipping": f"{shipping}",
                "Discount Amount": f"{discount + sum(reductions)}", "Taxes": f"{sum(tax.values())}", "Total": f"{total}",
                "Tax 1 Name": "8%", "Tax 1 Value": f"{tax[8]}", "Tax 2 Name": "10%", "Tax 2 Value": f"{tax[10]}",
            }  # fmt: skip
            item = line(
                Lineitem_quantity=f"{quantity}", Lineitem_price=f"{price}", Lineitem_discount=f"{off}", Lineitem_sku=f"R{rate}"
            )
            rows.append({**(head if place == 0 else {}), **item, "Name": f"#{number}"})
    lines = read(*rows, taxes_included=included, reduced_rate_skus=reduced)["order_lines"]
    for order_id, of_order in lines.groupby("order_id"):
        assert paid(of_order) == totals[str(order_id)]
        assert sum(of_order["tax_amount"]) == taxes_of[str(order_id)]
