"""Shopify's Admin API as it is spoken: client credentials, points of a query, connections in connections, bulk operations."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor, iso

from pipelines.sources.ec.shopify import BULK_CUSTOMERS, BULK_ORDERS, Shopify
from pipelines.sources.live import LiveConnection

API = "/admin/api/2026-10/graphql.json"
NESTED = {"lineItems": 10, "shippingLines": 2}  # records of a list inside an order that come with it


class ShopifyOrders(Vendor):
    """Orders, listed page by page."""

    table, key, field, renews = "orders", "order_id", "sourceName", True
    secrets = {"SHOPIFY_SECRET": "shpss_0123456789abcdef"}  # noqa: RUF012
    options: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.customers: list[dict[str, Any]] = []
        self.refunds: dict[str, dict[str, Any]] = {}
        self.bulk: list[bytes] = []
        self.looks = 0

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "shopify", "kind": "shopify", "url": url, "client_id": "app-of-minamo", "secret": "SHOPIFY_SECRET"}
        return Shopify.model_validate({**entry, **self.options, **options})

    def key_of(self, number: int) -> str:
        return str(5000 + number)

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        items = [item(number * 100 + place, 1, "110", "10") for place in range(11)]
        return order(5000 + number, changed, items, email=f"hanako{number}@example.jp", phone="+819012345678")

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/admin/oauth/access_token":
            return None
        wanted = {
            "grant_type": "client_credentials", "client_id": "app-of-minamo", "client_secret": self.secrets["SHOPIFY_SECRET"],
        }  # fmt: skip
        if request.form != wanted:
            return Reply({"error": "invalid_client"}, 400)
        return Reply({"access_token": self.issue(), "scope": "read_orders,read_customers", "expires_in": 86399})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("x-shopify-access-token") == self.valid

    def refuse(self, request: Request) -> Reply:
        return Reply({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)

    def throttle(self) -> Reply:
        errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
        return Reply({"errors": errors, "extensions": cost(0)})

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/bulk/"):
            return Reply(self.bulk[int(request.path.removeprefix("/bulk/"))], headers={"Content-Type": "application/jsonl"})
        assert request.path == API, request.path
        query, variables = request.json["query"], request.json["variables"]
        (name,) = re.findall(r"^(?:query|mutation) (\w+)", query)
        return Reply({"data": getattr(self, f"_{name.lower()}")(request, variables), "extensions": cost(1900)})

    def _orders(self, _: Request, variables: dict[str, Any]) -> Any:
        shown = self._list(self.records, variables)
        nodes = [{**one, **{name: page(one[name], None, size) for name, size in NESTED.items()}} for one in shown["nodes"]]
        return {"orders": {**shown, "nodes": nodes}}

    def _customers(self, _: Request, variables: dict[str, Any]) -> Any:
        return {"customers": self._list(self.customers, variables)}

    def _items(self, _: Request, variables: dict[str, Any]) -> Any:
        (one,) = [one for one in self.records if one["id"] == variables["id"]]
        return {"order": {"lineItems": page(one["lineItems"], variables["after"], self.page)}}

    def _refund(self, _: Request, variables: dict[str, Any]) -> Any:
        refund = self.refunds[variables["id"]]
        return {"refund": {**refund, "refundLineItems": page(refund["refundLineItems"], variables.get("after"), self.page)}}

    def _bulk(self, _: Request, variables: dict[str, Any]) -> Any:
        ours = [text.replace("FILTER", found(variables["query"])) for text in (BULK_ORDERS, BULK_CUSTOMERS)]
        what = self.records if variables["query"] == ours[0] else self.customers
        assert variables["query"] in ours
        lines = []
        for one in newest(what, found(variables["query"])):
            lines.append({name: value for name, value in one.items() if name not in NESTED})
            lines += [{**child, "__parentId": one["id"]} for name in NESTED for child in one.get(name, [])]
        self.bulk.append("".join(json.dumps(line) + "\n" for line in lines).encode())
        self.looks = 0
        number = f"gid://shopify/BulkOperation/{len(self.bulk) - 1}"
        return {"bulkOperationRunQuery": {"bulkOperation": {"id": number}, "userErrors": []}}

    def _bulkstate(self, request: Request, variables: dict[str, Any]) -> Any:
        number = int(variables["id"].rpartition("/")[2])
        self.looks += 1
        if self.looks == 1:
            return {"node": {"status": "RUNNING", "errorCode": None, "url": None}}
        url = f"http://{request.host}/bulk/{number}" if self.bulk[number] else None
        return {"node": {"status": "COMPLETED", "errorCode": None, "url": url}}

    def _list(self, records: list[dict[str, Any]], variables: dict[str, Any]) -> Any:
        return page(newest(records, variables["filter"]), variables.get("after"), min(variables["first"], self.page))


class ShopifyBulk(ShopifyOrders):
    """The same orders as a bulk operation."""

    options = {"bulk_days": 0}  # noqa: RUF012


def found(query: str) -> str:
    """The filter in a bulk operation's query."""
    (text,) = re.findall(r'query: "([^"]*)"', query)
    return str(text)


def newest(records: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The records that pass `updated_at:>='...' AND updated_at:<='...'`, the newest first."""
    (bounds,) = re.findall(r"^updated_at:>='([^']+)' AND updated_at:<='([^']+)'$", wanted)
    passed = [one for one in records if bounds[0] <= one["updatedAt"] <= bounds[1]]
    return sorted(passed, key=lambda one: str(one["updatedAt"]), reverse=True)


def page(records: list[Any], after: str | None, size: int) -> dict[str, Any]:
    """Part of a connection."""
    start = int(after or 0)
    has_more = start + size < len(records)
    info = {"hasNextPage": has_more, "endCursor": str(start + size) if records else None}
    return {"nodes": records[start : start + size], "pageInfo": info}


def cost(available: int) -> dict[str, Any]:
    """What an answer says of the points."""
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": 20}
    return {"cost": {"requestedQueryCost": 700, "actualQueryCost": 90, "throttleStatus": status}}


def money(amount: str) -> dict[str, Any]:
    """A `MoneyBag`."""
    return {"shopMoney": {"amount": amount}}


def taxes(amount: str, rate: float = 0.1) -> list[dict[str, Any]]:
    """The tax lines of something charged."""
    return [{"rate": rate, "priceSet": money(amount)}]


def item(number: int, quantity: int, price: str, tax: str, *discounts: str, rate: float = 0.1) -> dict[str, Any]:
    """A line of goods: the price of a piece, and the tax on what is left after the discounts."""
    return {
        "__typename": "LineItem", "id": f"gid://shopify/LineItem/{number}", "sku": f"S{number}", "name": f"Mug {number}",
        "quantity": quantity, "originalUnitPriceSet": money(price), "taxLines": taxes(tax, rate),
        "discountAllocations": [{"allocatedAmountSet": money(amount)} for amount in discounts],
    }  # fmt: skip


def shipping(number: int, price: str, tax: str) -> dict[str, Any]:
    """A line of shipping."""
    return {
        "__typename": "ShippingLine", "id": f"gid://shopify/ShippingLine/{number}", "title": "宅配便",
        "discountedPriceSet": money(price), "taxLines": taxes(tax),
    }  # fmt: skip


def order(number: int, changed: datetime, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An order, with whole lists where Shopify pages."""
    return {
        "id": f"gid://shopify/Order/{number}", "legacyResourceId": str(number), "processedAt": "2026-10-01T00:00:00Z",
        "updatedAt": iso(changed), "cancelledAt": None, "test": False, "tags": [], "currencyCode": "JPY", "taxesIncluded": True,
        "dutiesIncluded": False, "email": None, "phone": None, "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED", "discountCodes": [], "sourceName": "web",
        "customer": {"legacyResourceId": str(70000 + number)}, "refunds": [], "totalPriceSet": money("1210"),
        "originalTotalDutiesSet": None, "originalTotalAdditionalFeesSet": None, "lineItems": items, "shippingLines": [], **more,
    }  # fmt: skip
