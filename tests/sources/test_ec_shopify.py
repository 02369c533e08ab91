"""Shopify beyond what the conformance suite asks of every kind: money, refunds, lists in orders, bulk operations, sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_live_conformance import DAY, NOON, Night, night
from vendors import pages
from vendors.base import Reply, Request, iso
from vendors.shopify import ShopifyBulk, ShopifyOrders, item, money, order, shipping

from pipelines.sources.connection import Person
from pipelines.sources.ec.shopify import Shopify
from pipelines.sources.ec.shopify_orders import lines_of, refunds_of

SHOP = ShopifyOrders().connection("https://minamo.myshopify.com/", test_tags=["Staff"], staff=["@minamo.example"])


@pytest.fixture(params=[ShopifyOrders, ShopifyBulk], ids=["listed", "bulk"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Night]:
    with night(request.param, tmp_path / "home") as made:
        yield made


def charged(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Kind, amount without tax and tax of each line."""
    return [(row["line_type"], row["amount"], row["tax_amount"]) for row in rows]


def refunded(number: int, *items: dict[str, Any], ships: Any = (), adjusted: Any = ()) -> dict[str, Any]:
    """A refund as the pages hand it on: with all its lines."""
    return {
        "id": f"gid://shopify/Refund/{number}", "processedAt": "2026-10-20T16:00:00Z", "refundLineItems": list(items),
        "refundShippingLines": {"nodes": list(ships)},
        "orderAdjustments": {"nodes": [{"amountSet": money(amount), "taxAmountSet": money(tax)} for amount, tax in adjusted]},
    }  # fmt: skip


def of_item(number: int, quantity: int, subtotal: str, tax: str, restock: str = "RETURN") -> dict[str, Any]:
    """A line of a refund."""
    return {
        "quantity": quantity, "restockType": restock, "lineItem": {"id": f"gid://shopify/LineItem/{number}", "sku": f"S{number}"},
        "subtotalSet": money(subtotal), "totalTaxSet": money(tax),
    }  # fmt: skip


def test_prices_with_tax_are_split_and_a_discount_has_its_own_tax() -> None:
    # 2 mugs at 1,100 less 200: 2,000 with 182 of tax. 18 of it go with the discount.
    bought = order(1, NOON, [item(11, 2, "1100", "182", "150", "50")], shippingLines=[shipping(7, "550", "50")])
    made = pages.read(SHOP, bought)
    assert charged(made["order_lines"]) == [("item", 2000, 200), ("discount", -182, -18), ("shipping", 500, 50)]
    assert [row["line_no"] for row in made["order_lines"]] == ["11", "11-discount", "shipping-7"]
    assert {row["tax_rate"] for row in made["order_lines"]} == {0.1}
    assert [(row["sku"], row["name"]) for row in made["products"]] == [("S11", "Mug 11")]


def test_prices_without_tax_are_kept_and_fees_are_free_of_it() -> None:
    fees = {"originalTotalDutiesSet": money("30.5"), "originalTotalAdditionalFeesSet": money("2")}
    bought = order(1, NOON, [item(11, 3, "10.00", "2.32", "1.00", rate=0.08)], taxesIncluded=False, currencyCode="USD", **fees)
    expected = [("item", 30, Decimal("2.40")), ("discount", -1, Decimal("-0.08")), ("fee", Decimal("30.5"), 0), ("fee", 2, 0)]
    assert charged(pages.read(SHOP, bought)["order_lines"]) == expected
    included = pages.read(SHOP, {**bought, "dutiesIncluded": True})
    assert [row["line_no"] for row in included["order_lines"] if row["line_type"] == "fee"] == ["fees"]


def test_a_refund_is_taken_back_line_by_line_on_its_own_day() -> None:
    ships = [
        {"shippingLine": {"id": "gid://shopify/ShippingLine/7"}, "subtotalAmountSet": money("550"), "taxAmountSet": money("50")}
    ]
    back = refunded(90, of_item(11, 1, "1100", "100"), of_item(12, 2, "216", "16", "NO_RESTOCK"), ships=ships)
    made = pages.read(SHOP, order(1, NOON, [], refunds=[back]))["adjustments"]
    assert [(row["adjustment_id"], row["type"], row["line_no"], row["quantity"]) for row in made] == [
        ("90-1", "return", "11", -1), ("90-2", "refund", "12", -2), ("90-3", "refund", "shipping-7", None),
    ]  # fmt: skip
    assert [(row["amount"], row["tax_amount"]) for row in made] == [(-1000, -100), (-200, -16), (-500, -50)]
    assert {str(row["business_date"]) for row in made} == {"2026-10-21"}  # 01:00 in Tokyo


def test_what_was_kept_back_lowers_each_line_and_what_was_given_on_top_is_its_own() -> None:
    # 1,000 and 500 with tax, 150 kept: 900 and 450 go back.
    kept = refunded(90, of_item(11, 1, "1000", "91"), of_item(12, 1, "500", "45"), adjusted=[("150", "0")])
    gift = refunded(91, adjusted=[("-300", "-27")])
    made = pages.read(SHOP, order(1, NOON, [], refunds=[kept, gift]))["adjustments"]
    assert [(row["amount"], row["tax_amount"]) for row in made] == [(-818, -82), (-410, -40), (-300, -27)]
    assert made[2]["adjustment_id"] == "91-difference"


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(), st.sampled_from([0.08, 0.1]), st.integers(0, 5000), st.integers(1, 4), st.integers(0, 900),
    st.lists(st.integers(0, 3000), min_size=1, max_size=4), st.integers(-500, 15000),
)  # fmt: skip
def test_no_yen_is_lost(included: bool, rate: float, price: int, quantity: int, less: int, back: list[int], kept: int) -> None:
    """Lines add up to goods less discounts and their tax; refunds to what the goods were worth less what was kept."""
    sold = item(11, quantity, str(price), "77", str(less), rate=rate)
    refund = refunded(
        90, *(of_item(n, 1, str(worth), str(worth // 11)) for n, worth in enumerate(back)), adjusted=[(str(kept), "0")]
    )
    bought = order(1, NOON, [sold], taxesIncluded=included, refunds=[refund])
    bought["lineItems"][0]["taxLines"][0]["rate"] = Decimal(str(rate))
    lines = list(lines_of(bought))
    assert sum(one["amount"] + one["tax_amount"] for one in lines) == price * quantity - less + (0 if included else 77)
    assert sum(one["tax_amount"] for one in lines) == 77
    worth = sum(back) + (0 if included else sum(one // 11 for one in back))
    taken = list(refunds_of(bought))
    assert -sum(one["amount"] + one["tax_amount"] for one in taken) == max(worth - max(kept, 0), 0) + max(-kept, 0)
    assert all(one["amount"] <= 0 and one["tax_amount"] <= 0 for one in taken)


def test_a_cancelled_order_is_taken_back_whole_and_its_refunds_are_not_asked_for(shop: Night) -> None:
    gone = order(1, NOON, [item(11, 2, "1100", "200")], cancelledAt=iso(NOON), displayFinancialStatus="REFUNDED")
    shop.vendor.records.append({**gone, "refunds": [{"id": "gid://shopify/Refund/90"}]})
    assert shop.land().error is None
    (made,) = shop.rows("adjustments")
    assert (made["adjustment_id"], made["type"], made["amount"], made["quantity"]) == ("1-cancel", "cancel", -2000, -2)
    assert (made["adjusted_at"], shop.rows("orders")[0]["status"]) == (NOON, "cancelled")


def test_refunds_are_asked_for_page_by_page_and_every_line_of_an_order_lands(shop: Night) -> None:
    assert isinstance(shop.vendor, ShopifyOrders)
    shop.seed(NOON)
    shop.vendor.records[0]["refunds"] = [{"id": "gid://shopify/Refund/90"}]
    items = [of_item(100 + place, 1, "110", "10") for place in range(shop.vendor.page + 1)]
    shop.vendor.refunds["gid://shopify/Refund/90"] = refunded(90, *items)
    assert shop.land().error is None
    assert len(shop.rows("order_lines")) == 11
    assert sorted(row["line_no"] for row in shop.rows("adjustments")) == ["100", "101", "102", "103"]


def test_customers_land_by_their_number(shop: Night) -> None:
    assert isinstance(shop.vendor, ShopifyOrders)
    mail = {"emailAddress": "hanako@example.jp", "marketingState": "SUBSCRIBED"}
    customer = {
        "id": "gid://shopify/Customer/7", "legacyResourceId": "7", "createdAt": "2026-01-02T03:04:05Z", "updatedAt": iso(NOON),
        "state": "ENABLED", "defaultEmailAddress": mail, "defaultPhoneNumber": None, "defaultAddress": {"province": "東京都"},
    }  # fmt: skip
    other = {**customer, "legacyResourceId": "8", "state": "DISABLED", "defaultEmailAddress": None, "defaultAddress": None}
    shop.vendor.customers += [customer, other]
    assert shop.land().error is None
    landed = shop.rows("customers")
    known = {(row["status"], row["prefecture"], row["accepts_marketing"], row["mail_pid"] is None) for row in landed}
    assert known == {("active", "東京都", True, False), (None, None, False, True)}
    (row, _) = pages.read(SHOP, customer, other, stream="customers")["customers"]
    assert row["customer_pid"] == Person("customer", "id", "7", "shopify")


@pytest.mark.parametrize(
    ("paid", "fulfilled", "state"),
    [
        ("PENDING", "UNFULFILLED", "placed"), ("PAID", "UNFULFILLED", "paid"), ("PAID", "FULFILLED", "shipped"),
        ("PARTIALLY_REFUNDED", "UNFULFILLED", "paid"), ("REFUNDED", "FULFILLED", "returned"),
        ("VOIDED", "UNFULFILLED", "cancelled"), (None, "UNFULFILLED", "placed"), ("NEW_WORD", "UNFULFILLED", "new_word"),
    ],
)  # fmt: skip
def test_the_state_of_an_order(paid: str | None, fulfilled: str, state: str) -> None:
    (made,) = pages.read(SHOP, order(1, NOON, [], displayFinancialStatus=paid, displayFulfillmentStatus=fulfilled))["orders"]
    assert made["status"] == state


@pytest.mark.parametrize("more", [{"test": True}, {"tags": ["staff"]}, {"email": "taro@minamo.example"}])
def test_tests_and_staff_are_no_sales(more: dict[str, Any]) -> None:
    made = pages.read(SHOP, order(1, NOON, [], **more), order(2, NOON, [], tags=["vip"], email="hanako@example.jp"))["orders"]
    assert [row["is_test"] for row in made] == [True, False]


def test_a_long_window_is_a_bulk_operation_and_a_short_one_is_not(tmp_path: Path) -> None:
    with night(ShopifyOrders, tmp_path / "home") as shop:
        assert isinstance(shop.vendor, ShopifyOrders)
        shop.seed(*(NOON - timedelta(days=number) for number in range(3)))
        assert shop.land(DAY - timedelta(days=13)).error is None
        assert shop.vendor.bulk == []
        before = shop.rows()
        assert len(before) == 3
        assert shop.land(DAY - timedelta(days=14)).error is None
        assert len(shop.vendor.bulk) == 2
        assert shop.rows() == before


@pytest.mark.parametrize(
    ("operation", "answer", "told"),
    [
        ("BulkState", {"node": {"status": "FAILED", "errorCode": "ACCESS_DENIED", "url": None}}, "is FAILED (ACCESS_DENIED)"),
        ("BulkState", {"node": {"status": "RUNNING", "errorCode": None, "url": None}}, "still runs; limits.wait_minutes is 60"),
        ("Bulk", {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [{"message": "already in progress"}]}},
         "does not start a bulk operation: already in progress"),
    ],
)  # fmt: skip
def test_a_bulk_operation_that_fails_is_told(tmp_path: Path, operation: str, answer: Any, told: str) -> None:
    def trap(request: Request) -> Reply | None:
        return Reply({"data": answer}) if f" {operation}(".encode() in request.body else None

    with night(ShopifyBulk, tmp_path / "home") as shop:
        shop.seed(NOON)
        shop.vendor.traps.append(trap)
        assert told in str(shop.land().error)
        assert shop.rows() == []


def test_an_access_token_is_sent_as_it_is(tmp_path: Path) -> None:
    with night(ShopifyOrders, tmp_path / "home") as shop:
        shop.connection = shop.vendor.connection(shop.url, client_id=None)
        assert isinstance(shop.connection, Shopify)
        assert shop.connection.secret_names() == ["SHOPIFY_SECRET"]
        shop.seed(NOON)
        assert "401" in str(shop.land().error)
        shop.vendor.valid = shop.vendor.secrets["SHOPIFY_SECRET"]
        assert shop.land().error is None
        assert shop.keys() == shop.expected(1)
