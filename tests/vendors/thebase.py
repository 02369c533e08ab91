"""The BASE API v1 as it is spoken: refresh tokens that are replaced, offsets, a filter by day of order, every error a 400."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vendors.base import Reply, Request, Vendor

from pipelines.sources.ec.base import Base
from pipelines.sources.live import LiveConnection

TOKYO = ZoneInfo("Asia/Tokyo")
CALLBACK = "https://www.example.co.jp/callback"
HOUR = ("hour_api_limit", "1時間のAPIの利用上限を超えました。時間が変わってからもう一度アクセスしてください。")
DAY = ("day_api_limit", "1日のAPIの利用上限を超えました。日付が変わってからもう一度アクセスしてください。")
LISTED = (
    "unique_key", "ordered", "cancelled", "dispatched", "payment", "first_name", "last_name", "total", "terminated",
    "dispatch_status", "modified",
)  # fmt: skip


class BaseOrders(Vendor):
    """Orders of a shop, and its items."""

    table, key, field, renews = "orders", "order_id", "total", True
    secrets = {"BASE_SECRET": "client-secret-9876", "BASE_REFRESH": "refresh-token-given-9876"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, Any]] = []
        self.refresh = self.secrets["BASE_REFRESH"]

    def connection(self, url: str, **options: Any) -> LiveConnection:
        names = {"client_id": "minamo", "secret": "BASE_SECRET", "refresh_token": "BASE_REFRESH", "redirect_uri": CALLBACK}
        return Base.model_validate({"name": "base", "kind": "base", "url": f"{url}1/", **names, **options})

    def key_of(self, number: int) -> str:
        return f"{number:016X}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return order(number, changed, [item(number * 10, 1100)], mail_address=f"hanako{number}@example.jp")

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/1/oauth/token":
            return None
        wanted = {
            "grant_type": "refresh_token", "client_id": "minamo", "client_secret": self.secrets["BASE_SECRET"],
            "refresh_token": self.refresh, "redirect_uri": CALLBACK,
        }  # fmt: skip
        if request.form != wanted:
            return error("invalid_request", "不正なリフレッシュトークンです。")
        token = self.issue()
        self.refresh = f"issued-token-{self.issued}-to-refresh"
        return Reply({"access_token": token, "token_type": "bearer", "expires_in": 3600, "refresh_token": self.refresh})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return error("invalid_request", "アクセストークンが無効です。")

    def throttle(self) -> Reply:
        return error(*HOUR)

    def answer(self, request: Request) -> Reply:
        assert request.method == "GET"
        name, _, key = request.path.removeprefix("/1/").partition("/detail/")
        if key:
            found = [one for one in self.records if one["unique_key"] == key]
            return Reply({"order": found[0]}) if found else error("no_order", "注文情報が見つかりませんでした。")
        asked = request.query
        start, size = int(asked["offset"]), min(int(asked["limit"]), self.page)
        if name == "items":
            assert (asked["order"], asked["sort"]) == ("modified", "desc")
            listed = sorted(self.items, key=lambda one: int(one["modified"]), reverse=True)
            return Reply({"items": listed[start : start + size]})
        assert name == "orders"
        since, until = (
            datetime.strptime(asked[bound], "%Y-%m-%d %H:%M:%S").replace(tzinfo=TOKYO).timestamp()
            for bound in ("start_ordered", "end_ordered")
        )
        # Real lists show what `order` keeps; a field that vanished there is gone here, too.
        listed = [one for one in self.records if since <= one["ordered"] <= until]
        listed.sort(key=lambda one: (one["ordered"], one["unique_key"]), reverse=True)
        page = [{name: one[name] for name in LISTED if name in one} for one in listed[start : start + size]]
        return Reply({"orders": page})


def error(word: str, said: str) -> Reply:
    return Reply({"error": word, "error_description": said}, 400)


def epoch(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())


def item(number: int, total: int, amount: int = 1, *, rate: int | None = 10, **more: Any) -> dict[str, Any]:
    """A line of an order: `total` is the price of all its pieces, tax included."""
    made = {
        "order_item_id": number, "item_id": number, "variation_id": None, "title": f"湯呑 {number}", "variation": None,
        "price": total // amount, "amount": amount, "total": total, "status": "dispatched", "shipping_method": None,
        "shipping_fee": 0, "modified": 0,
    }  # fmt: skip
    return {**made, **({} if rate is None else {"consumption_tax_rate": rate}), **more}


def order(number: int, changed: datetime, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An order in detail, sent out; its total is that of its lines unless it is given."""
    placed = changed - timedelta(days=40)
    return {
        "unique_key": f"{number:016X}", "ordered": epoch(placed), "cancelled": None, "dispatched": epoch(changed),
        "payment": "creditcard", "shipping_method": "ヤマト運輸", "shipping_fee": 0, "cod_fee": 0,
        "total": sum(one["total"] for one in items), "first_name": "花子", "last_name": "山田", "country": "Japan",
        "zip_code": "106-0032", "prefecture": "東京都", "address": "港区六本木", "address2": "", "tel": "03-1234-5678",
        "mail_address": "hanako@example.jp", "remark": "花子より", "add_comment": "", "terminated": True,
        "dispatch_status": "dispatched", "modified": epoch(changed),
        "order_discount": {"discount": None, "note": None, "is_allocate_user_balance_log": 0},
        "order_amount_adjustment": {"adjusted_amount": None}, "order_header_coin": {"discount": None, "note": None},
        "order_items": items, "subscription": {"unique_key": None, "repeat_number": None, "repeat_times": None},
        **more,
    }  # fmt: skip
