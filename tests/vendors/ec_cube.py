"""EC-CUBE 4's Web API plugin as it is spoken: refresh tokens that are replaced, pages by number, times with an offset."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vendors.base import Reply, Request, Vendor

from pipelines.sources.ec.ec_cube_api import EcCubeApi
from pipelines.sources.live import LiveConnection

TOKYO = ZoneInfo("Asia/Tokyo")


class EcCubeOrders(Vendor):
    """Orders of a shop, and its members."""

    table, key, field, renews = "orders", "order_id", "payment_total", True
    secrets = {"ECCUBE_SECRET": "client-secret-0123", "ECCUBE_REFRESH": "refresh-token-given-0123"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.members: list[dict[str, Any]] = []
        self.refresh = self.secrets["ECCUBE_REFRESH"]

    def connection(self, url: str, **options: Any) -> LiveConnection:
        names = {"client_id": "minamo", "secret": "ECCUBE_SECRET", "refresh_token": "ECCUBE_REFRESH"}
        return EcCubeApi.model_validate({"name": "eccube", "kind": "ec_cube_api", "url": url, **names, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return order(number, changed, [item(number * 10, "1", 1000, 100)], email=f"hanako{number}@example.jp")

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/token":
            return None
        wanted = {
            "grant_type": "refresh_token", "client_id": "minamo", "client_secret": self.secrets["ECCUBE_SECRET"],
            "refresh_token": self.refresh,
        }  # fmt: skip
        if request.form != wanted:
            return Reply({"error": "invalid_request", "message": "The refresh token is invalid."}, 401)
        token = self.issue()
        self.refresh = f"issued-token-{self.issued}-to-refresh"
        return Reply({"token_type": "Bearer", "expires_in": 3600, "access_token": token, "refresh_token": self.refresh})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/api")
        asked = request.json["variables"]
        name = re.findall(r"^query \w+\([^)]*\) \{\s*(\w+)", request.json["query"])[0]
        since, until = (datetime.fromisoformat(asked[bound]) for bound in ("since", "until"))
        every = self.records if name == "orders" else self.members
        found = [one for one in every if since <= _at(one) < until]
        found.sort(key=lambda one: (_at(one), int(one["id"])), reverse=True)
        start = (asked["page"] - 1) * min(asked["limit"], self.page)
        return Reply({"data": {name: {"nodes": found[start : start + self.page], "totalCount": len(found)}}})


def _at(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["update_date"])


def tokyo(moment: datetime) -> str:
    """2026-11-26T12:00:00+09:00."""
    return moment.astimezone(TOKYO).isoformat(timespec="seconds")


def item(
    number: int, kind: str, price: float, tax: float, quantity: int = 1, *, display: str = "1", rate: float = 10
) -> dict[str, Any]:
    """A line: price and tax of one piece."""
    return {
        "id": str(number), "product_name": f"湯呑 {number}", "product_code": f"S{number}" if kind == "1" else None,
        "price": price, "quantity": quantity, "tax": tax, "tax_rate": rate, "OrderItemType": {"id": kind, "name": ""},
        "TaxDisplayType": {"id": display},
    }  # fmt: skip


def order(number: int, changed: datetime, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An order."""
    return {
        "id": str(number), "email": None, "phone_number": "09012345678", "order_date": tokyo(changed - timedelta(days=40)),
        "create_date": tokyo(changed - timedelta(days=41)), "update_date": tokyo(changed), "payment_total": 1100,
        "currency_code": "JPY", "OrderStatus": {"id": "5", "name": "発送済み"}, "Customer": {"id": str(700 + number)},
        "OrderItems": items, **more,
    }  # fmt: skip
