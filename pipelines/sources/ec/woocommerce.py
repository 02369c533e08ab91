"""A shop on WooCommerce, over its REST API v3.

Data flow (all below <url>/wp-json/wc/v3/): orders and orders/<id>/refunds -> ec.orders, ec.order_lines, ec.products,
ec.adjustments; customers -> ec.customers.

Quirks:
- A consumer key and its secret are sent as user and password, over https alone. Pages follow the header `Link`, 100 records each.
- Times are written without an offset, and the filters mean the site's own zone unless `dates_are_gmt` is given. `modified_after`
  takes its own second not in. Orders in the trash are not listed.
- Amounts are without tax, whatever the shop's prices are; `prices_include_tax` says what the customer saw. They are rounded to
  the shop's decimals, each by itself: a difference of some yen from the order's total may be left.
- A line is worth `subtotal` before and `total` after its discounts; what lies between is a line `<line>-discount`.
- A refund may name the lines it takes back, or an amount alone, which then holds tax in the proportion of the order's. What is
  named is dated by the refund. A cancelled order is taken back as a whole on the day it was last changed, since no other is told.
- Customers cannot be asked for by the day of change: their whole list is read. Guests are not in it.

    my_woocommerce:
      source: ec
      kind: woocommerce
      url: https://shop.example.com/
      key: WOOCOMMERCE_KEY
      secret: WOOCOMMERCE_SECRET
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import Basic
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Shop
from pipelines.sources.ec.orders import frames, line, taken_back, without
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units
from pipelines.sources.paging import LinkHeader
from pipelines.sources.streams import read_list

PAGING = LinkHeader(type="link_header", size_param="per_page", size=100)
STATES = {
    "pending": "pending",
    "checkout-draft": "pending",
    "failed": "pending",  # the payment failed, and may be tried again
    "on-hold": "placed",
    "processing": "paid",
    "completed": "shipped",
    "cancelled": "cancelled",
    "refunded": "returned",
}
PRICE_STEP = Decimal("0.0001")


def _utc(path: str) -> Unit:
    return Unit(path=path, zone="UTC")


ORDER = units(
    {
        "order_id": "id",
        "customer_pid": "_customer",
        "mail_pid": "billing.email",
        "phone_pid": "billing.phone",
        "ordered_at": _utc("date_created_gmt"),
        "status": "_status",
        "currency": "currency",
        "total_amount": "total",
        "coupon_code": "coupon_lines[0].code",
        "channel": "created_via",
        "updated_at": _utc("date_modified_gmt"),
    }
)
CUSTOMER = units(
    {
        "customer_pid": "id",
        "mail_pid": "email",
        "phone_pid": "billing.phone",
        "registered_at": _utc("date_created_gmt"),
        "status": Unit(value="active"),
        "prefecture": "billing.state",
        "updated_at": _utc("_changed"),
    }
)


class WooCommerce(Shop, LiveConnection):
    """A shop on WooCommerce."""

    tables: ClassVar[tuple[str, ...]] = ("customers", "products", "orders", "order_lines", "adjustments")

    url: str = Field(min_length=1)
    key: Secret
    secret: Secret
    customers: bool = True
    # States that plugins add: {shipping: paid}
    status_map: dict[str, Literal["placed", "paid", "shipped", "cancelled", "returned", "pending"]] = Field(default_factory=dict)

    @property
    def base(self) -> str:
        """The REST API of the shop."""
        return f"{super().base}wp-json/wc/v3/"

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The shop, signed in with the consumer key."""
        pair = Basic(type="basic", user_secret=self.key, secret=self.secret)
        auth = pair.make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Orders that changed in the window, with their refunds; then the customers that changed since its beginning."""
        since, until = window.instants(self.zone, self.overlap)
        asked = {
            "modified_after": f"{since:%Y-%m-%dT%H:%M:%S}", "modified_before": f"{until:%Y-%m-%dT%H:%M:%S}",
            "dates_are_gmt": "true", "orderby": "modified", "order": "desc",
        }  # fmt: skip
        for page in _listed(api, "orders", "orders", asked):
            yield page._replace(records=[_with_refunds(api, order) for order in page.records])
        if not self.customers:
            return
        for page in _listed(api, "customers", "customers", {"orderby": "registered_date", "order": "desc"}):
            records = [{**one, "_changed": one["date_modified_gmt"] or one["date_created_gmt"]} for one in page.records]
            yield page._replace(records=[one for one in records if _instant(one["_changed"]) >= since.replace(tzinfo=None)])

    def read(self, page: Page) -> Iterator[Frame]:
        """Customers; or orders with their lines, the products on them and what was taken back."""
        if page.stream == "customers":
            own, context = table("ec", "customers"), Context(self)
            rows = mapped.rows(own, page.records, CUSTOMER, context, label=page.label, start=page.start)
            yield common.frame("customers", rows)
            return
        states = {**STATES, **self.status_map}
        records = [
            {**one, "_status": states.get(one["status"], one["status"]), "_customer": one["customer_id"] or None}
            for one in page.records
        ]
        lines = [made for order in records for made in _lines(order)]
        back = [made for order in records if order["_status"] != "cancelled" for made in _refunds(order)]
        yield from frames(self, page._replace(records=records), ORDER, lines, back, [False] * len(records))


def _listed(api: Api, name: str, path: str, asked: Mapping[str, Any]) -> Iterator[Page]:
    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        return api.get(link or path, None if link else {**asked, **extra})

    return read_list(api, name, send, paging=PAGING)


def _with_refunds(api: Api, order: Any) -> Any:
    if not order["refunds"]:
        return order
    listed = _listed(api, "refunds", f"orders/{order['id']}/refunds", {})
    return {**order, "refunds": [one for page in listed for one in page.records]}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _lines(order: Any) -> Iterator[dict[str, Any]]:
    included = order["prices_include_tax"]
    rates = {one["rate_id"]: Decimal(str(one["rate_percent"] or 0)) / 100 for one in order["tax_lines"]}

    def made(
        one: Any, number: object, kind: str, amount: Decimal, tax: Decimal, quantity: Any = 1, **more: Any
    ) -> dict[str, Any]:
        stated = amount + tax if included else amount
        price = (stated / Decimal(quantity)).quantize(PRICE_STEP) if quantity else stated
        applied = [tax["id"] for tax in one["taxes"] if tax["total"] not in ("", None)]
        if set(applied) <= set(rates):
            rate = sum((rates[number] for number in applied), ZERO)
        else:  # a rate that the shop has deleted
            rate = (tax / amount).quantize(PRICE_STEP) if amount else ZERO
        return line(order, number, kind, price, quantity=quantity, included=included, rate=rate, amount=amount, tax=tax, **more)

    for item in order["line_items"]:
        more = {"sku": item["sku"], "name": item["name"]}
        before, tax_before = Decimal(item["subtotal"]), Decimal(item["subtotal_tax"])
        yield made(item, item["id"], "item", before, tax_before, item["quantity"], **more)
        less, tax_less = Decimal(item["total"]) - before, Decimal(item["total_tax"]) - tax_before
        if less or tax_less:
            yield made(item, f"{item['id']}-discount", "discount", less, tax_less, **more)
    for kind, others in (("shipping", order["shipping_lines"]), ("fee", order["fee_lines"])):
        for one in others:
            amount, tax = Decimal(one["total"]), Decimal(one["total_tax"])
            if amount or tax:
                name = one["method_title"] if kind == "shipping" else one["name"]
                yield made(one, one["id"], "discount" if amount < 0 else kind, amount, tax, name=name)


def _refunds(order: Any) -> Iterator[dict[str, Any]]:
    for refund in order["refunds"]:
        number, at = refund["id"], f"{refund['date_created_gmt']}Z"
        named = [one for name in ("line_items", "shipping_lines", "fee_lines") for one in refund[name]]
        named = [one for one in named if Decimal(one["total"]) or Decimal(one["total_tax"])]
        taxes = [-Decimal(one["total_tax"]) for one in named]
        worth = [-Decimal(one["total"]) + tax for one, tax in zip(named, taxes, strict=True)]
        rest = Decimal(refund["amount"]) - sum(worth, ZERO)
        given = without(max(-rest, ZERO), worth, taxes, order["currency"])
        for one, (amount, tax) in zip(named, given, strict=True):
            of_line = next((meta["value"] for meta in one["meta_data"] if meta["key"] == "_refunded_item_id"), None)
            pieces = Decimal(one.get("quantity") or 0) if "sku" in one else None
            yield taken_back(
                order, f"{number}-{one['id']}", "refund", at, amount, tax, line_no=of_line, sku=one.get("sku"), quantity=pieces
            )
        if rest > 0:
            total = Decimal(order["total"])
            tax = (rest * Decimal(order["total_tax"]) / total).quantize(common.step(order["currency"])) if total else ZERO
            yield taken_back(order, f"{number}-difference", "refund", at, rest - tax, tax)
