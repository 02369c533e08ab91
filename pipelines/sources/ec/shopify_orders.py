"""Orders as Shopify's Admin API sends them, as lines and adjustments. Pure; how money is read is told in `shopify.py`.

Data flow: order -> `lines_of`, `refunds_of` -> the records that `orders.frames` makes rows of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Cells
from pipelines.sources.ec.orders import line, taken_back, tax_in
from pipelines.sources.ec.shopify_csv import order_status

RESTOCKED = {"RETURN": "return", "CANCEL": "cancel"}


def with_status(orders: Sequence[Any]) -> list[dict[str, Any]]:
    """The orders with their state in the contract's words at `_status`."""

    def words(name: str) -> Cells:
        return pd.Series([str(one[name] or "").lower() for one in orders], dtype="str")

    cancelled = pd.Series([one["cancelledAt"] for one in orders], dtype=object)
    states = order_status(words("displayFinancialStatus"), words("displayFulfillmentStatus"), cancelled)
    return [{**one, "_status": status} for one, status in zip(orders, states, strict=True)]


def _amount(money: Any) -> Decimal:
    return Decimal(money["shopMoney"]["amount"]) if money else ZERO


def _number(gid: str | None) -> str:
    """`123` of `gid://shopify/LineItem/123`."""
    return (gid or "").rpartition("/")[2].partition("?")[0]


def lines_of(order: Any) -> Iterator[dict[str, Any]]:
    """Goods, what was taken off them, shipping, duties and fees."""
    included, currency = order["taxesIncluded"], order["currencyCode"]
    for item in order["lineItems"]:
        number, price = _number(item["id"]), _amount(item["originalUnitPriceSet"])
        tax, rate = _taxes(item)
        gross = price * item["quantity"]
        less = sum((_amount(one["allocatedAmountSet"]) for one in item["discountAllocations"]), ZERO)
        less_tax = tax_in(less, rate, included, currency)
        stated = {"included": included, "rate": rate, "sku": item["sku"], "name": item["name"]}
        net = gross - tax - less_tax if included else gross
        yield line(order, number, "item", price, quantity=item["quantity"], amount=net, tax=tax + less_tax, **stated)
        if less:
            net = less - less_tax if included else less
            yield line(order, f"{number}-discount", "discount", -less, amount=-net, tax=-less_tax, **stated)
    for shipping in order["shippingLines"]:
        price = _amount(shipping["discountedPriceSet"])
        tax, rate = _taxes(shipping)
        if price:
            stated = {"included": included, "rate": rate, "name": shipping["title"]}
            net = price - tax if included else price
            yield line(order, _shipping_number(shipping), "shipping", price, amount=net, tax=tax, **stated)
    for name, field in (("duties", "originalTotalDutiesSet"), ("fees", "originalTotalAdditionalFeesSet")):
        price = _amount(order[field])
        if price and not (name == "duties" and order["dutiesIncluded"]):
            yield line(order, name, "fee", price, included=included, amount=price)


def _taxes(charged: Any) -> tuple[Decimal, Decimal]:
    taxes = charged["taxLines"]
    return sum((_amount(tax["priceSet"]) for tax in taxes), ZERO), sum((Decimal(tax["rate"] or 0) for tax in taxes), ZERO)


def _shipping_number(shipping: Any) -> str:
    return f"shipping-{_number(shipping['id'])}" if shipping["id"] else "shipping"


def refunds_of(order: Any) -> Iterator[dict[str, Any]]:
    """What each refund took back, line by line."""
    for refund in order["refunds"]:
        yield from _refunded(order, refund)


def _refunded(order: Any, refund: Any) -> Iterator[dict[str, Any]]:
    """The rows of one refund. What was kept back of it is spread over its parts by what they are worth with tax."""
    number, at, step = _number(refund["id"]), refund["processedAt"], common.step(order["currencyCode"])
    parts = [_returned(one) for one in refund["refundLineItems"]]
    parts += [_unshipped(one) for one in refund["refundShippingLines"]["nodes"]]
    worth = [amount + (ZERO if order["taxesIncluded"] else tax) for _, amount, tax, _ in parts]
    adjusted = [(_amount(one["amountSet"]), _amount(one["taxAmountSet"])) for one in refund["orderAdjustments"]["nodes"]]
    kept = sum((amount + tax for amount, tax in adjusted), ZERO)
    if kept < 0:
        tax = min(sum((tax for _, tax in adjusted), ZERO), ZERO)
        yield taken_back(order, f"{number}-difference", "refund", at, tax - kept, -tax)
    left = min(max(kept, ZERO), sum(worth, ZERO))
    for place, ((kind, _, tax, more), whole) in enumerate(zip(parts, worth, strict=True)):
        rest = sum(worth[place:], ZERO)
        share = (left * whole / rest).quantize(step) if rest else ZERO
        left -= share
        tax_back = (tax * (whole - share) / whole).quantize(step) if whole else tax
        yield taken_back(order, f"{number}-{place + 1}", kind, at, whole - share - tax_back, tax_back, **more)


def _returned(one: Any) -> tuple[str, Decimal, Decimal, dict[str, Any]]:
    of_line = {"line_no": _number(one["lineItem"]["id"]), "sku": one["lineItem"]["sku"], "quantity": Decimal(one["quantity"])}
    return RESTOCKED.get(one["restockType"], "refund"), _amount(one["subtotalSet"]), _amount(one["totalTaxSet"]), of_line


def _unshipped(one: Any) -> tuple[str, Decimal, Decimal, dict[str, Any]]:
    of_line = {"line_no": _shipping_number(one["shippingLine"])}
    return "refund", _amount(one["subtotalAmountSet"]), _amount(one["taxAmountSet"]), of_line
