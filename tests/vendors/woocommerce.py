"""WooCommerce's REST API v3 as it is spoken: consumer keys, `Link` headers, times without an offset, strict filters."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor

from pipelines.sources.ec.woocommerce import WooCommerce
from pipelines.sources.live import LiveConnection

API = "/wp-json/wc/v3/"


class WooOrders(Vendor):
    """Orders of a shop, and its customers."""

    table, key, field = "orders", "order_id", "created_via"
    secrets = {"WOOCOMMERCE_KEY": "ck_0123456789abcdef", "WOOCOMMERCE_SECRET": "cs_fedcba9876543210"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.customers: list[dict[str, Any]] = []
        self.refunds: dict[str, list[dict[str, Any]]] = {}

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "woo", "kind": "woocommerce", "url": url, "key": "WOOCOMMERCE_KEY", "secret": "WOOCOMMERCE_SECRET"}
        return WooCommerce.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return order(number, changed, [item(number * 10, "1000", "100")])

    def is_signed_in(self, request: Request) -> bool:
        pair = f"{self.secrets['WOOCOMMERCE_KEY']}:{self.valid or self.secrets['WOOCOMMERCE_SECRET']}"
        return request.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"

    def refuse(self, request: Request) -> Reply:
        said = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources.", "data": {"status": 401}}
        return Reply(said, 401)

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix(API)
        if path == "customers":
            assert request.query["orderby"] == "registered_date"
            return self._page(request, sorted(self.customers, key=lambda one: str(one["date_created_gmt"]), reverse=True))
        if path.endswith("/refunds"):
            return self._page(request, self.refunds[path.split("/")[1]])
        assert path == "orders", path
        asked = request.query
        assert (asked["dates_are_gmt"], asked["orderby"], asked["order"]) == ("true", "modified", "desc")
        found = [one for one in self.records if asked["modified_after"] < one["date_modified_gmt"] < asked["modified_before"]]
        return self._page(request, sorted(found, key=lambda one: (str(one["date_modified_gmt"]), one["id"]), reverse=True))

    def _page(self, request: Request, found: list[dict[str, Any]]) -> Reply:
        assert int(request.query["per_page"]) <= 100
        number = int(request.query.get("page", 1))
        pages = -(-len(found) // self.page)
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
        links = [f'<{request.link(page=number - 1)}>; rel="prev"'] if number > 1 else []
        links += [f'<{request.link(page=number + 1)}>; rel="next"'] if number < pages else []
        headers |= {"Link": ", ".join(links)} if links else {}
        return Reply(found[(number - 1) * self.page : number * self.page], headers=headers)


def local(moment: datetime) -> str:
    """2026-11-26T12:00:00, with nothing that says where."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def item(number: int, amount: str, tax: str, quantity: int = 1, *, total: str = "", total_tax: str = "") -> dict[str, Any]:
    """A line of goods, without tax; `total` is what is left after discounts."""
    return {
        "id": number, "name": f"Mug {number}", "quantity": quantity, "sku": f"S{number}", "subtotal": amount, "subtotal_tax": tax,
        "total": total or amount, "total_tax": total_tax or tax, "meta_data": [],
        "taxes": [{"id": 1, "total": total_tax or tax, "subtotal": tax}],
    }  # fmt: skip


def order(number: int, changed: datetime, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An order."""
    return {
        "id": number, "status": "completed", "currency": "JPY", "prices_include_tax": True, "customer_id": 700 + number,
        "date_created_gmt": "2026-10-01T00:00:00", "date_modified_gmt": local(changed), "total": "1100", "total_tax": "100",
        "billing": {"email": f"hanako{number}@example.jp", "phone": "090-1234-5678", "state": "JP13"}, "created_via": "checkout",
        "tax_lines": [{"rate_id": 1, "rate_percent": 10}, {"rate_id": 2, "rate_percent": 8}], "line_items": items,
        "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "refunds": [], **more,
    }  # fmt: skip


def refund(number: int, amount: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A refund on the 20th of October at 16:00, of lines or of an amount alone."""
    given = {"line_items": list(items), "shipping_lines": [], "fee_lines": []}
    return {"id": number, "date_created_gmt": "2026-10-20T16:00:00", "amount": amount, "reason": "", **given, **more}


def of_item(number: int, of: int, amount: str, tax: str, quantity: int = -1) -> dict[str, Any]:
    """A line of a refund: amounts are negative, and the line it takes back is told by its number."""
    meta = [{"id": 1, "key": "_refunded_item_id", "value": str(of)}]
    return {**item(number, amount, tax, quantity), "sku": f"S{of}", "meta_data": meta}
