"""A shop on BASE (thebase.in), over the BASE API v1.

Data flow (all below <url>): orders, and orders/detail/<unique_key> of each that is due -> ec.orders, ec.order_lines, ec.products,
ec.adjustments; items -> ec.products.

Quirks:
- The sign-in is an OAuth 2 refresh token that is replaced at each use, kept in `tokens.json`, and lasts 30 days. Errors of every
  kind are a 400 with a word: `invalid_request` for an ended token, `hour_api_limit` (5,000 requests, until the next full hour),
  `day_api_limit` (100,000, until midnight in Japan).
- Orders can be asked for by the day they were placed alone. Those of the last `look_back_days` are listed, 100 a request, and the
  detail is fetched of each that changed in the window or is still open: whether a change of a line moves the order's own
  更新日時 is not documented. What changes later than that is not seen.
- Prices and totals contain the tax; the rate is `consumption_tax_rate` of a line. Where BASE names none, `tax_rate` has to be
  set. Shipping and fees have `service_tax_rate`, a discount the rates of the goods in proportion, coins none.
- Shipping stands at the order, at its lines or in `shipping_lines`, and whether the total of an order falls with a line that is
  cancelled is not documented. What is taken is the one reading with which goods, shipping, fees, discounts and coins make the
  total; an order of which none does, or more than one, is held back and named.
- A line that was cancelled is taken back whole on its 更新日時; an order on its キャンセル日時. Other refunds are not told.
- Customers have no number; mail and phone say who bought. 定期便 are not read: BASE does not tell their state.

    my_base:
      source: ec
      kind: base
      client_id: 0123456789abcdef0123456789abcdef
      secret: BASE_CLIENT_SECRET
      refresh_token: BASE_REFRESH_TOKEN
      redirect_uri: https://www.example.co.jp/callback
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import httpx
import pandas as pd
from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import RefreshToken
from pipelines.sources.connection import Bad, Frame, SourceError, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Shop
from pipelines.sources.ec.orders import frames, line, taken_back, tax_in
from pipelines.sources.http import Again, Answer, Api, Clock, Refused, Tell
from pipelines.sources.limits import Limits
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units
from pipelines.sources.paging import Offset
from pipelines.sources.streams import read_list

TOKYO = ZoneInfo("Asia/Tokyo")
PAGING = Offset(type="offset", size=100)
STATES = {"unpaid": "placed", "ordered": "paid", "shipping": "shipped", "dispatched": "shipped", "cancelled": "cancelled"}
LINE_STATES = frozenset({"ordered", "dispatched", "cancelled"})
FINAL = frozenset({"dispatched", "cancelled"})
PRICE_STEP = Decimal("0.0001")
CURRENCY = "JPY"
ORDER = units(
    {
        "order_id": "unique_key",
        "customer_pid": "_customer",
        "mail_pid": "mail_address",
        "phone_pid": "tel",
        "ordered_at": Unit(path="ordered", epoch="s"),
        "cancelled_at": Unit(path="cancelled", epoch="s"),
        "status": "_status",
        "currency": Unit(value=CURRENCY),
        "total_amount": "_total",
        "coupon_code": Unit(path="order_discount.note", optional=True),
        "updated_at": Unit(path="_changed", epoch="s"),
    }
)
PRODUCT = units({"sku": "_sku", "name": "_name", "updated_at": Unit(path="modified", epoch="s")})


class BaseApi(Api):
    """The BASE API during one pull: its limits are a 400 and end on the clock."""

    def _judge(self, response: httpx.Response) -> None:
        try:
            super()._judge(response)
        except Refused as refused:
            now = self.clock.now().astimezone(TOKYO)
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            ends = {
                "hour_api_limit": now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
                "day_api_limit": midnight + timedelta(days=1),
            }
            end = ends.get(_word(response))
            if end is None:
                raise
            # A minute more: refused by a clock that runs behind ours, a request would wait for another hour.
            raise Again(str(refused), (end - now).total_seconds() + 60, is_limit=True) from None


class Base(Shop, LiveConnection):
    """A shop on BASE."""

    tables: ClassVar[tuple[str, ...]] = ("products", "orders", "order_lines", "adjustments")

    url: str = "https://api.thebase.in/1/"
    time_zone: Literal["Asia/Tokyo"] = "Asia/Tokyo"
    limits: Limits = Limits(wait_minutes=130)  # two hours' budgets may have been used up by other programs
    client_id: str
    secret: Secret
    refresh_token: Secret
    redirect_uri: str
    look_back_days: int = Field(default=90, ge=1)
    tax_rate: Decimal | None = Field(default=None, ge=0, le=1)
    service_tax_rate: Decimal = Field(default=Decimal("0.1"), ge=0, le=1)
    items: bool = True

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The shop, signed in with the refresh token of the night before."""
        grant = RefreshToken(
            type="refresh_token",
            token_url="oauth/token",  # noqa: S106  # an address
            client_id=self.client_id,
            secret=self.secret,
            refresh_token=self.refresh_token,
            redirect_uri=self.redirect_uri,
            expired=("invalid_request",),
        )
        auth = grant.make(self.base, secrets, clock.now, self.name)
        return BaseApi(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Orders that changed in the window or are open, in detail; then the items that changed since its beginning."""
        since, until = window.instants(self.zone, self.overlap)
        start, end = since.timestamp(), until.timestamp()
        asked = {"start_ordered": _local(since - timedelta(days=self.look_back_days)), "end_ordered": _local(until)}
        for page in _listed(api, "orders", "unique_key", asked, lambda _: False):
            due = [
                one["unique_key"]
                for one in page.records
                if one["modified"] < end and (one["modified"] >= start or one["dispatch_status"] not in FINAL)
            ]
            yield page._replace(records=[api.get(f"orders/detail/{key}").body["order"] for key in due])
        if not self.items:
            return

        def is_over(found: Sequence[Any]) -> bool:
            return bool(found) and all(one["modified"] < start for one in found)

        sorted_by = {"order": "modified", "sort": "desc", "max_image_no": 1}
        for page in _listed(api, "items", "item_id", sorted_by, is_over):
            yield page._replace(records=[one for one in page.records if one["modified"] >= start])

    def read(self, page: Page) -> Iterator[Frame]:
        """Items as products; or orders with their lines, the products on them and what was taken back."""
        if page.stream == "items":
            yield self._products(page)
            return
        records, lines, back, wrong = [], [], [], {}
        for number, order in enumerate(page.records):
            shipping, total = _shipping(order), None
            is_cancelled = order["dispatch_status"] == "cancelled"
            own = {**order, "_customer": None, "_status": _state(order), "_changed": _changed(order)}
            made = list(self._lines(own, shipping if shipping is not None else _shipping_stated(order)[0], page.label))
            if shipping is not None:
                total = sum((one["amount"] + one["tax_amount"] for one in made), ZERO)
            elif not is_cancelled:  # of one that is taken back whole nothing is left to be wrong
                wrong[number] = Bad("total", str(order["total"]), "is not what its lines, shipping, fees and discounts make")
            own["_total"] = total
            records.append(own)
            lines += made
            back += [] if is_cancelled else _cancelled(own, made)
        for frame in frames(self, page._replace(records=records), ORDER, lines, back, [False] * len(records)):
            if frame.table == "orders":
                totals = frame.rows["total_amount"]
                cells = [wrong.get(number, total) for number, total in enumerate(totals)]
                frame.rows["total_amount"] = pd.Series(cells, index=totals.index, dtype=object)
            yield frame

    def _products(self, page: Page) -> Frame:
        records = [
            {**item, "_sku": _sku(item["item_id"], one.get("variation_id")), "_name": _named(item["title"], one.get("variation"))}
            for item in page.records
            for one in (item["variations"] or [{}])
        ]
        rows = mapped.rows(table("ec", "products"), records, PRODUCT, Context(self), label=page.label, start=page.start)
        return common.frame("products", rows)

    def _lines(self, order: Any, shipping: Decimal, label: str) -> Iterator[dict[str, Any]]:
        def made(number: object, kind: str, worth: Decimal, rate: Decimal, quantity: int = 1, **more: Any) -> dict[str, Any]:
            tax = tax_in(worth, rate, True, CURRENCY)
            price = (worth / quantity).quantize(PRICE_STEP) if quantity else worth
            return line(
                order, number, kind, price, quantity=quantity, included=True, rate=rate, amount=worth - tax, tax=tax, **more
            )

        goods: dict[Decimal, Decimal] = {}
        for item in order["order_items"]:
            rate, worth = self._rate(order, item, label), _yen(item["total"])
            goods[rate] = goods.get(rate, ZERO) + worth
            more = {"sku": _sku(item["item_id"], item["variation_id"]), "name": _named(item["title"], item["variation"])}
            yield made(item["order_item_id"], "item", worth, rate, item["amount"], **more)
        if shipping:
            yield made("shipping", "shipping", shipping, self.service_tax_rate, name="送料")
        if fee := _yen(order["cod_fee"]):
            yield made("cod_fee", "fee", fee, self.service_tax_rate, name="代引手数料")
        for name, worth in (("discount", -_part(order, "order_discount", "discount")), ("adjustment", _adjustment(order))):
            for rate, share in _spread(worth, goods).items():
                number = name if len(goods) == 1 else f"{name}-{rate}"
                yield made(number, "discount" if share < 0 else "fee", share, rate)
        if coins := _part(order, "order_header_coin", "discount"):
            yield made("coin", "points", -coins, ZERO, name="コイン")

    def _rate(self, order: Any, item: Any, label: str) -> Decimal:
        stated = item.get("consumption_tax_rate")
        if stated is not None:
            return Decimal(str(stated)) / 100
        if self.tax_rate is None:
            where = f"{label}: line {item['order_item_id']} of order {order['unique_key']}"
            raise SourceError(f"{where} has no consumption_tax_rate; set tax_rate in connections.yaml if all goods have the same")
        return self.tax_rate


def _listed(api: Api, name: str, key: str, asked: Mapping[str, Any], is_over: Callable[[Sequence[Any]], bool]) -> Iterator[Page]:
    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        return api.get(name, {**asked, **extra})

    return read_list(api, name, send, paging=PAGING, records=name, is_over=is_over, identity=lambda one: one[key])


def _word(response: httpx.Response) -> str:
    try:
        return str(json.loads(response.content)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(TOKYO):%Y-%m-%d %H:%M:%S}"


def _state(order: Any) -> str:
    """In the contract's words; one that is not known stays, for the door to name. Cash on delivery is not paid when it waits."""
    stated = str(order["dispatch_status"])
    return "placed" if stated == "ordered" and order["payment"] == "cod" else STATES.get(stated, stated)


def _changed(order: Any) -> int:
    return max([int(order["modified"]), *(int(item["modified"]) for item in order["order_items"])])


def _sku(item: object, variation: object) -> str:
    return f"{item}-{variation}" if variation else str(item)


def _named(title: str, variation: str | None) -> str:
    return f"{title} {variation}" if variation else title


def _yen(value: object) -> Decimal:
    return Decimal(str(value or 0))


def _part(order: Any, name: str, field: str) -> Decimal:
    return _yen((order.get(name) or {}).get(field))


def _adjustment(order: Any) -> Decimal:
    return _part(order, "order_amount_adjustment", "adjusted_amount")


def _shipping_stated(order: Any) -> list[Decimal]:
    """The shipping fee as it stands at the order, at its lines, and in `shipping_lines`."""
    lists = [one for one in (order["order_items"], order.get("shipping_lines")) if one]
    return [_yen(order["shipping_fee"]), *(sum((_yen(one.get("shipping_fee")) for one in each), ZERO) for each in lists)]


def _shipping(order: Any) -> Decimal | None:
    """The shipping fee with which the order adds up to its total; None where none of those stated does, or several do."""
    items = order["order_items"]
    if any(item["status"] not in LINE_STATES for item in items):
        return None
    goods = sum((_yen(item["total"]) for item in items), ZERO)
    cancelled = sum((_yen(item["total"]) for item in items if item["status"] == "cancelled"), ZERO)
    rest = _yen(order["cod_fee"]) + _adjustment(order)
    rest -= _part(order, "order_discount", "discount") + _part(order, "order_header_coin", "discount")
    totals = {goods + rest, goods - cancelled + rest}
    fitting = {fee for fee in _shipping_stated(order) if _yen(order["total"]) - fee in totals}
    return fitting.pop() if len(fitting) == 1 else None


def _spread(worth: Decimal, goods: Mapping[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    """`worth` by tax rate, in proportion to the goods of each, in whole yen; nothing where it is 0."""
    total, left, shares = sum(goods.values(), ZERO), worth, {}
    for place, (rate, own) in enumerate(sorted(goods.items()), start=1):
        shares[rate] = left if place == len(goods) or not total else (worth * own / total).quantize(Decimal(1))
        left -= shares[rate]
    return {rate: share for rate, share in shares.items() if share}


def _cancelled(order: Any, made: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What takes back the cancelled lines of an order of which others stay."""
    lines = {one["line_no"]: one for one in made}
    back = []
    for item in order["order_items"]:
        if item["status"] == "cancelled":
            own, number = lines[str(item["order_item_id"])], item["order_item_id"]
            back.append(
                taken_back(
                    order, f"{number}-cancel", "cancel", datetime.fromtimestamp(item["modified"], TOKYO).isoformat(),
                    own["amount"], own["tax_amount"], line_no=str(number), sku=own["sku"], quantity=Decimal(item["amount"]),
                )
            )  # fmt: skip
    return back
