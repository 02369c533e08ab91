"""Orders of named live shops as frames: the order, its lines, the products on them, and what was taken back.

Data flow: a kind writes each line and each refund of an order down as a plain record (`line`, `taken_back`) -> `frames` reads
them by the contract's types, lets them inherit from their order what they lack, and adds the orders that were cancelled whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipelines.sources import mapped
from pipelines.sources.connection import Frame
from pipelines.sources.contract import table
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Rounding, Shop
from pipelines.sources.live import Page
from pipelines.sources.mapped import Context, Unit, units

_LINE = (
    "line_no", "line_type", "sku", "product_name", "quantity", "unit_price", "is_tax_included", "tax_rate", "amount",
    "tax_amount",
)  # fmt: skip
_BACK = ("adjustment_id", "line_no", "type", "adjusted_at", "sku", "quantity", "amount", "tax_amount", "reason")
LINE, BACK = units(dict(zip(_LINE, _LINE, strict=True))), units(dict(zip(_BACK, _BACK, strict=True)))


def line(
    order: Any, number: object, line_type: str, price: Decimal, *, quantity: object = 1, included: bool = False,
    rate: Decimal = ZERO, amount: Decimal, tax: Decimal = ZERO, sku: object = None, name: object = None,
) -> dict[str, Any]:  # fmt: skip
    """One line of `order`: `price` of a piece as the shop states it, `amount` without tax, `tax` on it."""
    values = (str(number), line_type, sku, name, quantity, price, included, rate, amount, tax)
    return {**dict(zip(_LINE, values, strict=True)), "_parent": order}


def taken_back(
    order: Any, number: object, kind: str, at: object, amount: Decimal, tax: Decimal, *, line_no: object = None,
    sku: object = None, quantity: Decimal | None = None, reason: object = None,
) -> dict[str, Any]:  # fmt: skip
    """One adjustment of `order`: `amount` (without tax), `tax` and `quantity` as positive numbers."""
    pieces = None if not quantity else -abs(quantity)
    values = (str(number), line_no, kind, at, sku, pieces, -amount, -tax, reason)
    return {**dict(zip(_BACK, values, strict=True)), "_parent": order}


def tax_in(amount: Decimal, rate: Decimal, included: bool, currency: object, rounding: Rounding = "round") -> Decimal:
    """The tax in (or on) an amount, in whole steps of the currency."""
    exact = amount * rate / (1 + rate) if included else amount * rate
    return exact.quantize(common.step(currency), common.ROUNDING[rounding])


def frames(
    shop: Shop,
    page: Page,
    columns: Mapping[str, Unit],
    lines: Sequence[dict[str, Any]],
    back: Sequence[dict[str, Any]],
    is_test: Sequence[bool],
) -> Iterator[Frame]:
    """The page's orders by `columns`, with their lines and adjustments; `is_test` says which the shop itself calls tests."""
    context = Context(shop)

    def rows(name: str, records: Sequence[Any], own: Mapping[str, Unit]) -> pd.DataFrame:
        return mapped.rows(table("ec", name), records, own, context, label=page.label, start=page.start)

    orders = rows("orders", page.records, columns)
    staff = shop.of_staff(orders["mail_pid"], orders["customer_pid"])
    orders["is_test"] = [one or own for one, own in zip(is_test, staff, strict=True)]
    placed = mapped.inherited(table("ec", "order_lines"), rows("order_lines", lines, LINE), lines, orders, page.records)
    refunds = mapped.inherited(table("ec", "adjustments"), rows("adjustments", back, BACK), back, orders, page.records)
    place = {id(record): position for position, record in enumerate(page.records)}
    groups = np.array([place[id(one["_parent"])] for one in lines], dtype=np.int64)
    at = orders["cancelled_at"].where(orders["cancelled_at"].notna(), orders["updated_at"])
    undone = common.undone_orders(orders, placed, groups, at, shop.zone, {"cancelled": "cancel"})
    yield common.frame("orders", orders)
    yield common.frame("order_lines", placed)
    yield common.products(placed)
    yield common.frame("adjustments", pd.concat([undone, refunds]))
