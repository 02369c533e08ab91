"""WooCommerce beyond what the conformance suite asks of every kind: money, refunds, states, customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, MIDNIGHT, NOON, Night, night
from vendors import pages
from vendors.woocommerce import WooOrders, item, local, of_item, order, refund

from pipelines.sources.connection import Person
from pipelines.sources.ec.woocommerce import WooCommerce

SHOP = WooOrders().connection("https://shop.example.com/", status_map={"shipping": "paid"}, staff=["701"])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Night]:
    with night(WooOrders, tmp_path / "home") as made:
        yield made


def amounts(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Amount without tax and tax of each row."""
    return [(row["amount"], row["tax_amount"]) for row in rows]


def charge(number: int, amount: str, tax: str, **more: Any) -> dict[str, Any]:
    """A line of shipping or of a fee."""
    return {"id": number, "total": amount, "total_tax": tax, "taxes": [{"id": 1, "total": tax}], "meta_data": [], **more}


def test_goods_discounts_shipping_and_fees_are_lines() -> None:
    # 2 mugs at 1,100 with tax, 10% off: 1,800 and 180 of tax are left of 2,000 and 200.
    bought = order(
        1, NOON, [item(10, "2000", "200", 2, total="1800", total_tax="180")], coupon_lines=[{"code": "TEA10"}],
        shipping_lines=[charge(20, "500", "50", method_title="宅配便")],
        fee_lines=[charge(30, "300", "30", name="代引手数料"), charge(31, "-100", "-10", name="値引き")],
    )  # fmt: skip
    made = pages.read(SHOP, bought)
    lines = made["order_lines"]
    assert [(row["line_no"], row["line_type"]) for row in lines] == [
        ("10", "item"), ("10-discount", "discount"), ("20", "shipping"), ("30", "fee"), ("31", "discount"),
    ]  # fmt: skip
    assert amounts(lines) == [(2000, 200), (-200, -20), (500, 50), (300, 30), (-100, -10)]
    assert [row["unit_price"] for row in lines] == [1100, -220, 550, 330, -110]
    assert {row["tax_rate"] for row in lines} == {0.1}
    assert [(row["sku"], row["name"]) for row in made["products"]] == [("S10", "Mug 10")]
    assert made["orders"][0]["coupon_code"] == "TEA10"
    plain = pages.read(SHOP, {**bought, "prices_include_tax": False})["order_lines"]
    assert [row["unit_price"] for row in plain] == [1000, -200, 500, 300, -100]


def test_a_rate_is_the_lines_own_and_follows_from_the_tax_where_it_was_deleted() -> None:
    reduced, gone, free = item(10, "1000", "80"), item(11, "1000", "80"), item(12, "1000", "0")
    reduced["taxes"] = [{"id": 1, "total": "", "subtotal": ""}, {"id": 2, "total": "80", "subtotal": "80"}]
    gone["taxes"], free["taxes"] = [{"id": 99, "total": "80", "subtotal": "80"}], []
    made = pages.read(SHOP, order(1, NOON, [reduced, gone, free]))["order_lines"]
    assert [row["tax_rate"] for row in made] == [0.08, 0.08, 0]


def test_a_refund_takes_back_the_lines_it_names_on_its_own_day() -> None:
    shipping = charge(92, "-500", "-50", method_title="宅配便")
    back = refund(90, "1650", of_item(91, 10, "-1000", "-100"), shipping_lines=[shipping])
    made = pages.read(SHOP, order(1, NOON, [], refunds=[back]))["adjustments"]
    assert [(row["adjustment_id"], row["type"], row["line_no"], row["sku"], row["quantity"]) for row in made] == [
        ("90-91", "refund", "10", "S10", -1), ("90-92", "refund", None, None, None),
    ]  # fmt: skip
    assert amounts(made) == [(-1000, -100), (-500, -50)]
    assert {str(row["business_date"]) for row in made} == {"2026-10-21"}  # 01:00 in Tokyo


def test_an_amount_alone_holds_tax_as_the_order_does_and_less_than_the_lines_lowers_them() -> None:
    bought = order(1, NOON, [item(10, "3000", "300")], total="3300", total_tax="300")
    alone = pages.read(SHOP, {**bought, "refunds": [refund(90, "1100")]})["adjustments"]
    assert [row["adjustment_id"] for row in alone] == ["90-difference"]
    assert amounts(alone) == [(-1000, -100)]
    less = refund(90, "1650", of_item(91, 10, "-1000", "-100"), of_item(92, 11, "-1000", "-100"))
    # 550 of 2,200 are kept: each line gives 825 back, 75 of it tax.
    assert amounts(pages.read(SHOP, {**bought, "refunds": [less]})["adjustments"]) == [(-750, -75), (-750, -75)]


def test_refunds_are_asked_for_page_by_page(shop: Night) -> None:
    assert isinstance(shop.vendor, WooOrders)
    shop.seed(NOON, NOON)
    shop.vendor.records[0]["refunds"] = [{"id": 90, "reason": "", "total": "-1100"}]
    shop.vendor.refunds["1"] = [refund(90 + number, "110") for number in range(shop.vendor.page + 1)]
    assert shop.land().error is None
    assert sorted(row["adjustment_id"] for row in shop.rows("adjustments")) == [
        f"{90 + number}-difference" for number in range(4)
    ]
    assert sum(request.path.endswith("/refunds") for request in shop.vendor.requests) == 2


def test_a_cancelled_order_is_taken_back_whole_on_the_day_it_changed(shop: Night) -> None:
    gone = order(1, NOON, [item(10, "2000", "200", 2)], status="cancelled", refunds=[{"id": 90}])
    assert isinstance(shop.vendor, WooOrders)
    shop.vendor.records.append(gone)
    shop.vendor.refunds["1"] = [refund(90, "2200")]
    assert shop.land().error is None
    (made,) = shop.rows("adjustments")
    assert (made["adjustment_id"], made["type"], made["amount"], made["tax_amount"]) == ("1-cancel", "cancel", -2000, -200)
    assert (made["quantity"], made["adjusted_at"]) == (-2, NOON)


@pytest.mark.parametrize(
    ("stated", "state"),
    [
        ("pending", "pending"), ("failed", "pending"), ("checkout-draft", "pending"), ("on-hold", "placed"),
        ("processing", "paid"), ("completed", "shipped"), ("cancelled", "cancelled"), ("refunded", "returned"),
        ("shipping", "paid"), ("new-word", "new-word"),
    ],
)  # fmt: skip
def test_the_state_of_an_order(stated: str, state: str) -> None:
    (made,) = pages.read(SHOP, order(1, NOON, [], status=stated))["orders"]
    assert made["status"] == state


def test_guests_have_no_number_and_staff_are_no_sales() -> None:
    made = pages.read(SHOP, order(1, NOON, []), order(2, NOON, [], customer_id=0))["orders"]
    assert [row["customer_pid"] for row in made] == [Person("customer", "id", "701", "woo"), None]
    assert [row["is_test"] for row in made] == [True, False]


def test_of_the_customers_those_who_changed_land_and_the_list_may_be_left_out(shop: Night) -> None:
    assert isinstance(shop.vendor, WooOrders)
    for number, changed in enumerate([NOON, MIDNIGHT - timedelta(days=3), None, NOON, NOON], start=1):
        created = local(NOON if changed is None else NOON - timedelta(days=90 + number))
        billing = {"phone": "", "state": "JP13"}
        shop.vendor.customers.append(
            {"id": number, "email": f"hanako{number}@example.jp", "date_created_gmt": created, "billing": billing,
             "date_modified_gmt": None if changed is None else local(changed)}
        )  # fmt: skip
    assert shop.land().error is None
    landed = shop.rows("customers")
    assert len({row["customer_pid"] for row in landed}) == len(landed) == 4
    assert {(row["status"], row["prefecture"], row["change_date"]) for row in landed} == {("active", "JP13", DAY)}
    shop.connection = shop.vendor.connection(shop.url, customers=False)
    shop.vendor.requests.clear()
    assert shop.land().error is None
    assert [request.path for request in shop.vendor.requests] == ["/wp-json/wc/v3/orders"]


def test_both_keys_are_secrets() -> None:
    assert isinstance(SHOP, WooCommerce)
    assert sorted(SHOP.secret_names()) == ["WOOCOMMERCE_KEY", "WOOCOMMERCE_SECRET"]
