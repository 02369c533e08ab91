"""EC-CUBE's Web API beyond what the conformance suite asks of every kind: money, states, members, the refresh token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import graphql
import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors import pages
from vendors.ec_cube import EcCubeOrders, item, order, tokyo

from pipelines.sources.connection import Person
from pipelines.sources.ec.ec_cube_api import CUSTOMERS, ORDERS, EcCubeApi

SHOP = EcCubeOrders().connection("https://shop.example.com/", status_map={"配送準備中": "paid"}, staff=["701"])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Night]:
    with night(EcCubeOrders, tmp_path / "home") as made:
        yield made


def test_every_line_lands_with_the_tax_it_states() -> None:
    lines = [
        item(1, "1", 1000, 100, 2), item(2, "1", 500, 40, rate=8), item(3, "2", 550, 50, display="2"),
        item(4, "4", -110, -10, display="2"), item(5, "6", -300, 0, display="2"), item(6, "5", 33, 0),
        item(7, "3", 330, 30, display="2"),
    ]  # fmt: skip
    made = pages.read(SHOP, order(1, NOON, lines))
    landed = [(row["line_type"], row["amount"], row["tax_amount"], row["tax_rate"]) for row in made["order_lines"]]
    assert landed == [
        ("item", 2000, 200, 0.1), ("item", 500, 40, 0.08), ("shipping", 500, 50, 0.1), ("discount", -100, -10, 0.1),
        ("points", -300, 0, 0), ("fee", 0, 33, 0), ("fee", 300, 30, 0.1),
    ]  # fmt: skip
    assert [row["is_tax_included"] for row in made["order_lines"]] == [False, False, True, True, True, True, True]
    first = made["order_lines"][0]
    assert (first["line_no"], first["quantity"], first["unit_price"]) == ("1", 2, 1000)
    assert [(row["sku"], row["name"]) for row in made["products"]] == [("S1", "湯呑 1"), ("S2", "湯呑 2")]


def test_where_the_display_of_tax_is_not_stated_prices_are_without_it() -> None:
    (made,) = pages.read(SHOP, order(1, NOON, [{**item(1, "1", 1000, 100), "TaxDisplayType": None}]))["order_lines"]
    assert (made["amount"], made["tax_amount"], made["is_tax_included"]) == (1000, 100, False)


@pytest.mark.parametrize(("status", "kind"), [("3", "cancel"), ("9", "return")])
def test_an_order_that_was_undone_is_taken_back_whole_on_the_day_it_changed(shop: Night, status: str, kind: str) -> None:
    state = {"id": status, "name": ""}
    shop.vendor.records.append(
        order(1, NOON, [item(1, "1", 1000, 100, 2), item(2, "2", 550, 50, display="2")], OrderStatus=state)
    )
    assert shop.land().error is None
    (made,) = shop.rows("adjustments")
    assert (made["adjustment_id"], made["type"], made["amount"], made["tax_amount"]) == (f"1-{kind}", kind, -2500, -250)
    assert (made["quantity"], made["adjusted_at"], made["business_date"]) == (-2, NOON, DAY)


@pytest.mark.parametrize(
    ("number", "name", "state"),
    [
        ("1", "新規受付", "placed"),
        ("6", "入金済み", "paid"),
        ("5", "発送済み", "shipped"),
        ("77", "配送準備中", "paid"),
        ("78", "保留", "保留"),
    ],
)
def test_the_state_of_an_order(number: str, name: str, state: str) -> None:
    (made,) = pages.read(SHOP, order(1, NOON, [], OrderStatus={"id": number, "name": name}))["orders"]
    assert made["status"] == state


def test_guests_staff_and_an_order_without_a_day_of_its_own() -> None:
    made = pages.read(SHOP, order(1, NOON, []), order(2, NOON, [], Customer=None, order_date=None, currency_code=None))["orders"]
    assert [row["customer_pid"] for row in made] == [Person("customer", "id", "701", "eccube"), None]
    assert [row["is_test"] for row in made] == [True, False]
    assert [row["ordered_at"] for row in made] == [NOON - timedelta(days=40), NOON - timedelta(days=41)]
    assert [row["currency"] for row in made] == ["JPY", "JPY"]


def test_members_land_with_their_state(shop: Night) -> None:
    assert isinstance(shop.vendor, EcCubeOrders)
    member: dict[str, Any] = {
        "id": "7", "email": "hanako@example.jp", "phone_number": "0312345678", "birth": "1990-01-01T00:00:00+09:00",
        "create_date": tokyo(NOON - timedelta(days=9)), "update_date": tokyo(NOON), "Status": {"id": "2", "name": "本会員"},
        "Sex": {"name": "女性"}, "Pref": {"name": "東京都"},
    }  # fmt: skip
    gone = {**member, "id": "8", "birth": None, "Sex": None, "Pref": None, "Status": {"id": "3", "name": "退会"}}
    shop.vendor.members += [member, gone]
    assert shop.land().error is None
    landed = {(row["status"], row["birth_year"], row["gender"], row["prefecture"]) for row in shop.rows("customers")}
    assert landed == {("active", 1990, "女性", "東京都"), ("withdrawn", None, None, None)}


def test_each_night_signs_in_with_the_refresh_token_of_the_last(shop: Night) -> None:
    shop.seed(NOON)
    for _ in range(3):
        assert shop.land().error is None
    assert shop.vendor.issued == 3
    shop.tokens.kept.clear()
    assert "the sign-in was refused with 401" in str(shop.land().error)


def test_the_queries_are_graphql() -> None:
    assert isinstance(SHOP, EcCubeApi)
    for query in (ORDERS, CUSTOMERS):
        (operation,) = graphql.parse(query).definitions
        assert isinstance(operation, graphql.OperationDefinitionNode)
        assert [one.variable.name.value for one in operation.variable_definitions] == ["since", "until", "page", "limit"]
