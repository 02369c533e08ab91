"""BASE beyond what the conformance suite asks of every kind: money, cancellations, limits, the refresh token, items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import DAY, MIDNIGHT, NOON, Night, night
from vendors import pages
from vendors.thebase import DAY as DAY_LIMIT
from vendors.thebase import BaseOrders, epoch, error, item, order

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.ec.base import Base

URL = "https://shop.example.com/"
SHOP = BaseOrders().connection(URL, staff=["@example.co.jp"])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Night]:
    with night(BaseOrders, tmp_path / "home") as made:
        yield made


def worth(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Kind, amount without tax, tax and rate of each line."""
    return [(row["line_type"], row["amount"], row["tax_amount"], row["tax_rate"]) for row in rows]


def test_the_order_of_the_documentation_lands_line_by_line() -> None:
    """Two shirts of 2,000 and one of 3,000 yen, shipping 500, cash on delivery 300, a coupon of 1,000: 6,800 yen."""
    shirts = [
        item(123, 4000, 2, item_id=1000, variation_id=101, title="Tシャツ", variation="サイズM"),
        item(124, 3000, item_id=1001, title="ロングTシャツ"),
    ]
    off = {"discount": 1000, "note": "初売りクーポン", "is_allocate_user_balance_log": 0}
    made = pages.read(SHOP, order(1, NOON, shirts, shipping_fee=500, cod_fee=300, order_discount=off, total=6800))
    assert worth(made["order_lines"]) == [
        ("item", 3636, 364, 0.1), ("item", 2727, 273, 0.1), ("shipping", 455, 45, 0.1), ("fee", 273, 27, 0.1),
        ("discount", -909, -91, 0.1),
    ]  # fmt: skip
    assert sum(row["amount"] + row["tax_amount"] for row in made["order_lines"]) == 6800
    assert [(row["line_no"], row["quantity"], row["unit_price"]) for row in made["order_lines"]][:2] == [
        ("123", 2, 2000), ("124", 1, 3000),
    ]  # fmt: skip
    assert {row["is_tax_included"] for row in made["order_lines"]} == {True}
    assert [(row["sku"], row["name"]) for row in made["products"]] == [("1000-101", "Tシャツ サイズM"), ("1001", "ロングTシャツ")]
    (landed,) = made["orders"]
    assert (landed["total_amount"], landed["coupon_code"], landed["currency"]) == (6800, "初売りクーポン", "JPY")
    assert landed["ordered_at"] == NOON - timedelta(days=40)


def test_a_discount_is_spread_over_the_rates_of_the_goods_and_coins_have_no_tax() -> None:
    coin = {"discount": 50, "note": "コイン「ミナモ」の利用"}
    bought = order(
        1, NOON, [item(1, 1080, rate=8), item(2, 2200)], order_header_coin=coin,
        order_discount={"discount": 100, "note": None}, order_amount_adjustment={"adjusted_amount": -30}, total=3100,
    )  # fmt: skip
    made = pages.read(SHOP, bought)["order_lines"]
    # 100 yen in the proportion of 1,080 to 2,200 are 33 and 67.
    assert worth(made)[2:] == [
        ("discount", -31, -2, 0.08), ("discount", -61, -6, 0.1), ("discount", -9, -1, 0.08), ("discount", -18, -2, 0.1),
        ("points", -50, 0, 0),
    ]  # fmt: skip
    assert len({row["line_no"] for row in made}) == 7


@pytest.mark.parametrize(
    "stated",
    [
        {"shipping_fee": 500},
        {"order_items": [item(1, 1100, shipping_fee=500)]},
        {"shipping_fee": 500, "shipping_lines": [{"shipping_fee": 300}, {"shipping_fee": 200}]},
        {"shipping_fee": 0, "shipping_lines": [{"shipping_fee": 500}]},
    ],
)
def test_shipping_is_found_wherever_it_stands(stated: dict[str, Any]) -> None:
    made = pages.read(SHOP, {**order(1, NOON, [item(1, 1100)], total=1600), **stated})
    assert worth(made["order_lines"]) == [("item", 1000, 100, 0.1), ("shipping", 455, 45, 0.1)]


@pytest.mark.parametrize(
    "stated",
    [
        {"total": 1200},
        {"order_items": [item(1, 1100, status="returned")]},
        # The total fits without shipping when nothing was cancelled, and with it when the second line was.
        {"order_items": [item(1, 1100), item(2, 500, status="cancelled", shipping_fee=500)], "total": 1600},
    ],
)
def test_an_order_that_cannot_be_read_for_certain_is_held_back_and_named(stated: dict[str, Any]) -> None:
    wrong = {**order(2, NOON, [item(1, 1100)]), **stated}
    first, second = pages.read(SHOP, order(1, NOON, [item(9, 1100)]), wrong)["orders"]
    assert first["total_amount"] == 1100
    assert isinstance(second["total_amount"], Bad)
    assert "lines, shipping, fees and discounts" in second["total_amount"].why


def test_a_rate_that_base_does_not_name_is_asked_for() -> None:
    bought = order(1, NOON, [item(77, 1080, rate=None)])
    with pytest.raises(SourceError, match="line 77 of order 0000000000000001 has no consumption_tax_rate; set tax_rate"):
        pages.read(SHOP, bought)
    grocer = BaseOrders().connection(URL, tax_rate=0.08, service_tax_rate=0.1)
    assert worth(pages.read(grocer, bought)["order_lines"]) == [("item", 1000, 80, 0.08)]


@pytest.mark.parametrize("total", [3300, 2200])
def test_a_line_that_was_cancelled_is_taken_back_on_its_day_whether_the_total_fell_or_not(total: int) -> None:
    gone = item(2, 1100, status="cancelled", modified=epoch(NOON + timedelta(hours=13)))
    made = pages.read(SHOP, order(1, NOON, [item(1, 2200), gone], total=total))
    assert worth(made["order_lines"]) == [("item", 2000, 200, 0.1), ("item", 1000, 100, 0.1)]
    (back,) = made["adjustments"]
    assert (back["adjustment_id"], back["type"], back["line_no"], back["sku"]) == ("2-cancel", "cancel", "2", "2")
    assert (back["quantity"], back["amount"], back["tax_amount"]) == (-1, -1000, -100)
    assert str(back["business_date"]) == str(DAY + timedelta(days=1))  # 01:00 in Tokyo
    (landed,) = made["orders"]
    assert (landed["total_amount"], landed["updated_at"]) == (3300, NOON + timedelta(hours=13))


@pytest.mark.parametrize(
    ("total", "back_to", "amount", "tax"),
    # As ordered; as if nothing had been ordered; and a total that nothing explains, which is not told then.
    [(1600, 1600, -1455, -145), (0, 1100, -1000, -100), (700, None, -1455, -145)],
)
def test_a_cancelled_order_is_taken_back_whole_on_the_day_of_its_cancellation(
    total: int, back_to: int | None, amount: int, tax: int
) -> None:
    gone = item(1, 1100, status="cancelled")
    undone = {"dispatch_status": "cancelled", "cancelled": epoch(NOON - timedelta(days=1)), "shipping_fee": 500, "total": total}
    made = pages.read(SHOP, order(1, NOON, [gone], **undone))
    (back,) = made["adjustments"]
    assert (back["type"], back["amount"], back["tax_amount"]) == ("cancel", amount, tax)
    assert (back["adjusted_at"], str(back["business_date"])) == (NOON - timedelta(days=1), str(DAY - timedelta(days=1)))
    assert made["orders"][0]["total_amount"] == back_to


@pytest.mark.parametrize(
    ("stated", "payment", "state"),
    [
        ("unpaid", "cvs", "placed"), ("ordered", "creditcard", "paid"), ("ordered", "cod", "placed"),
        ("shipping", "atobarai", "shipped"), ("dispatched", "bt", "shipped"), ("new-word", "bt", "new-word"),
    ],
)  # fmt: skip
def test_the_state_of_an_order(stated: str, payment: str, state: str) -> None:
    (made,) = pages.read(SHOP, order(1, NOON, [item(1, 1100)], dispatch_status=stated, payment=payment))["orders"]
    assert made["status"] == state


def test_mail_and_phone_say_who_bought_and_a_partners_order_tells_nobody() -> None:
    staff = order(1, NOON, [item(1, 1100)], mail_address="hanako@example.co.jp")
    sold_elsewhere = order(2, NOON, [item(2, 1100)], mail_address=None, tel=None)
    first, second = pages.read(SHOP, staff, sold_elsewhere)["orders"]
    assert (first["mail_pid"].kind, first["phone_pid"], first["customer_pid"], first["is_test"]) == (
        "mail", Person("customer", "phone", "03-1234-5678"), None, True,
    )  # fmt: skip
    assert (second["mail_pid"], second["phone_pid"], second["is_test"]) == (None, None, False)


def test_the_detail_is_asked_for_of_what_changed_or_is_open_and_no_other(shop: Night) -> None:
    long_ago = MIDNIGHT - timedelta(days=20)
    shop.vendor.records += [
        order(1, NOON, [item(1, 1100)]),
        order(2, long_ago, [item(2, 1100)]),
        # Open, and its line changed: the order's own 更新日時 did not move.
        order(3, long_ago, [item(3, 1100, status="ordered", modified=epoch(NOON))], dispatch_status="ordered"),
        order(4, NOON, [item(4, 1100)], ordered=epoch(MIDNIGHT - timedelta(days=91))),
    ]
    assert shop.land().error is None
    asked = [request.path for request in shop.vendor.requests if "/detail/" in request.path]
    assert asked == [f"/1/orders/detail/{number:016X}" for number in (1, 3)]
    assert shop.keys() == shop.expected(1, 3)
    listed = next(request.query for request in shop.vendor.requests if request.path == "/1/orders")
    # An hour before the day's beginning, 90 days back; an hour after its end. Both as BASE reads them, in Japan's time.
    assert (listed["start_ordered"], listed["end_ordered"]) == ("2026-08-27 23:00:00", "2026-11-27 01:00:00")


def test_items_that_changed_are_products_and_may_be_left_out(shop: Night) -> None:
    assert isinstance(shop.vendor, BaseOrders)
    sizes = [{"variation_id": 11, "variation": "黒"}, {"variation_id": 12, "variation": "白"}]
    for number, changed in enumerate([NOON, NOON, MIDNIGHT - timedelta(days=3), NOON, NOON], start=1):
        variations = sizes if number == 1 else []
        shown = {"item_id": number, "title": f"湯呑 {number}", "modified": epoch(changed), "variations": variations}
        shop.vendor.items.append(shown)
    assert shop.land().error is None
    assert sorted((row["sku"], row["name"]) for row in shop.rows("products")) == [
        ("1-11", "湯呑 1 黒"), ("1-12", "湯呑 1 白"), ("2", "湯呑 2"), ("4", "湯呑 4"), ("5", "湯呑 5"),
    ]  # fmt: skip
    shop.connection = shop.vendor.connection(shop.url, items=False)
    shop.vendor.requests.clear()
    assert shop.land().error is None
    assert [request.path for request in shop.vendor.requests if request.path.startswith("/1/items")] == []


def test_the_budget_of_the_hour_is_waited_for_and_that_of_the_day_ends_the_pull(shop: Night) -> None:
    shop.seed(NOON)
    shop.clock.time += timedelta(minutes=50)
    refusals = [shop.vendor.throttle()]
    shop.vendor.traps.append(lambda request: refusals.pop() if refusals and shop.vendor.is_signed_in(request) else None)
    assert shop.land().error is None
    assert 660 <= sum(shop.clock.slept) <= 661  # from 02:50 to 03:01 in Tokyo
    shop.vendor.traps[:] = [lambda request: error(*DAY_LIMIT) if shop.vendor.is_signed_in(request) else None]
    assert "limits.wait_minutes allows 130" in str(shop.land().error)
    assert shop.keys() == shop.expected(1)


def test_each_night_signs_in_with_the_refresh_token_of_the_last(shop: Night) -> None:
    shop.seed(NOON)
    for _ in range(3):
        assert shop.land().error is None
    assert shop.vendor.issued == 3
    shop.tokens.kept.clear()
    assert "the sign-in was refused with 400" in str(shop.land().error)
    assert isinstance(SHOP, Base)
    assert sorted(SHOP.secret_names()) == ["BASE_REFRESH", "BASE_SECRET"]
