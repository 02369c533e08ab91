"""Orders exported by Shopify (`orders_export.csv`).

Data flow: order export -> orders, order_lines, products, adjustments

Quirks of the format:
- One row per goods line; an order's own columns stand on its first row only. `order_id` is `Id`, or `Name` where that is empty.
- Shipping, duties and discounts are columns of the order; they land as lines `shipping`, `duties`, `<line>-discount`, `discount`.
  `Discount Amount` contains the lines' discounts, so the order's own is what is left of it. A free-shipping code is already
  taken off `Shipping` in some exports: where the total is right without the order's own discount, there is none.
- With `taxes_included` (as in Japan) prices contain tax. Rates stand in the names of taxes ("Consumption tax 10%"), amounts are
  per order: each rate's amount is spread over its lines. Where an order has two rates the export does not say which line has
  which: shipping takes the higher; goods in `reduced_rate_skus` (`FOOD-*` is understood) the lower and the others the higher;
  without that option all goods take the rate of the larger tax. A tax without a rate in its name counts as `tax_rate`.
- The stated taxes are kept to the yen, so amounts + taxes of an order's lines = `Total` wherever the total is goods - discounts
  + shipping + duties (+ taxes, when prices are without). What else a total may hold (a tip) has no column: a difference is left.
- A cancelled (or voided) order is taken back as a whole, on `Cancelled at`, and its refund is not counted again. The export
  has no day of refund: `Refunded Amount` of other orders is dated like `updated_at`, the latest of Created, Paid, Fulfilled and
  Cancelled at; a repeated partial refund is one growing adjustment.

    shop_shopify:
      source: ec
      kind: shopify_csv
      path: drop/shop_shopify
      test_tags: [test, staff]
      staff: ["@minamo.example"]  # orders from these addresses are no sales
      reduced_rate_skus: ["FOOD-*"]
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from pipelines.sources import cells
from pipelines.sources.connection import Bad, Frame, Sheet
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Cells, ShopFile, column
from pipelines.sources.files import require

_FINANCIAL = {
    "pending": "placed",
    "authorized": "placed",
    "partially_paid": "placed",
    "unpaid": "placed",
    "expired": "placed",
    "paid": "paid",
    "partially_refunded": "paid",
    "refunded": "returned",
    "voided": "cancelled",
}
_MOMENTS = ("Created at", "Paid at", "Fulfilled at", "Cancelled at")
_SHARED = ("order_id", "currency", "updated_at", "business_date")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class ShopifyCsv(ShopFile):
    """A drop folder of Shopify order exports."""

    tables: ClassVar[tuple[str, ...]] = ("products", "orders", "order_lines", "adjustments")
    documents_are_runs: ClassVar[bool] = True

    taxes_included: bool = True
    tax_rate: float = Field(default=0.10, ge=0, le=1)
    reduced_rate_skus: tuple[str, ...] = ()
    test_tags: tuple[str, ...] = ()

    def documents(self, rows: pd.DataFrame) -> Cells:
        """The order's name, blank on the further rows of some exports."""
        return column(rows, "Name")

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The orders of one export, their lines, the products named on them and what was taken back."""
        require(sheet, ("Name", "Created at", "Currency", "Total", "Lineitem quantity", "Lineitem price"))
        rows = sheet.rows
        groups = _order_of_each_row(rows)
        head = rows.iloc[common.first_rows(groups)]
        taxes, total_tax = self._taxes(head)
        orders = self._orders(head).assign(taxes=total_tax)
        charges = self._charges(rows, groups, orders)
        position = charges["order"].to_numpy(dtype=np.int64)
        lines = self._lines(charges, orders.iloc[position], taxes)
        yield common.frame("orders", orders.drop(columns=["discount", "duties", "shipping", "refunded", "taxes"]))
        yield common.frame("order_lines", lines)
        yield common.products(lines)
        yield common.frame("adjustments", self._adjustments(orders, lines, position))

    def _orders(self, head: pd.DataFrame) -> pd.DataFrame:
        moments = {name: cells.timestamp(column(head, name), self.zone) for name in _MOMENTS}
        order_id = cells.identifier(column(head, "Id"))
        tags = cells.each(
            common.known(cells.text(column(head, "Tags")), ""), lambda text: {tag.strip().lower() for tag in text.split(",")}
        )
        test_tags = {tag.lower() for tag in self.test_tags}
        mails = common.persons(cells.text(column(head, "Email")), "mail")
        is_tagged = pd.Series([bool(of_order & test_tags) for of_order in tags], index=head.index, dtype=object)
        amounts = {
            name: common.known(cells.money(column(head, source), None), ZERO)
            for name, source in (
                ("discount", "Discount Amount"),
                ("duties", "Duties"),
                ("shipping", "Shipping"),
                ("refunded", "Refunded Amount"),
            )
        }
        return pd.DataFrame(
            {
                "order_id": order_id.where(order_id.notna(), cells.identifier(head["Name"])),
                "mail_pid": mails,
                "phone_pid": common.persons(cells.text(column(head, "Phone")), "phone"),
                "ordered_at": moments["Created at"],
                "status": order_status(
                    column(head, "Financial Status"), column(head, "Fulfillment Status"), moments["Cancelled at"]
                ),
                "cancelled_at": moments["Cancelled at"],
                "currency": cells.text(head["Currency"]),
                "total_amount": cells.money(head["Total"], None),
                "coupon_code": cells.text(column(head, "Discount Code")),
                "channel": cells.text(column(head, "Source")),
                "is_test": is_tagged | self.of_staff(mails),
                "updated_at": common.latest(*moments.values()),
                "business_date": common.days(moments["Created at"], self.zone),
                **amounts,
            }
        )

    def _charges(self, rows: pd.DataFrame, groups: common.Groups, orders: pd.DataFrame) -> pd.DataFrame:
        """Every line of every order with what it costs as stated, `order` being the position of its order."""
        quantity = cells.number(rows["Lineitem quantity"])
        price = cells.money(rows["Lineitem price"], None)
        items = pd.DataFrame(
            {
                "order": groups,
                "line_no": common.occurrence(pd.Series(groups, index=rows.index)),
                "line_type": "item",
                "sku": cells.identifier(column(rows, "Lineitem sku")),
                "product_name": cells.text(column(rows, "Lineitem name")),
                "quantity": quantity,
                "unit_price": price,
                "gross": common.combine(np.multiply, price, common.decimals(quantity)),
                "is_taxable": common.known(cells.boolean(column(rows, "Lineitem taxable")), True),
            }
        )
        reduction = _negative(cells.money(column(rows, "Lineitem discount"), None))
        reductions = items.assign(line_no=items["line_no"] + "-discount", line_type="discount", gross=reduction)
        parts = [items[(rows["Lineitem price"] != "") | (rows["Lineitem quantity"] != "")], reductions]
        for line_no, line_type, amount in (
            ("shipping", "shipping", orders["shipping"]),
            ("duties", "fee", orders["duties"]),
            ("discount", "discount", _negative(self._own_discount(orders, items, reductions, groups))),
        ):
            part = pd.DataFrame({"order": range(len(orders)), "gross": amount, "is_taxable": True}, index=orders.index)
            parts.append(part.assign(line_no=line_no, line_type=line_type))
        charges = pd.concat([part.astype(object) for part in parts])
        is_charged = (charges["line_type"] == "item") | (common.known(charges["gross"], ZERO) != 0)
        charges = charges[is_charged].sort_values("order", kind="stable")
        is_piece = charges["line_type"] == "item"
        charges["quantity"] = charges["quantity"].where(is_piece, 1.0)
        charges["unit_price"] = charges["unit_price"].where(is_piece, charges["gross"])
        return charges.astype(object).where(charges.notna(), None)

    def _own_discount(self, orders: pd.DataFrame, items: pd.DataFrame, reductions: pd.DataFrame, groups: common.Groups) -> Cells:
        """What the order itself takes off: its discount without its lines', unless the total is already right without it."""
        count = len(orders)
        goods, reduced = (
            common.known(pd.Series(common.fold(part["gross"], groups, count), index=orders.index, dtype=object), ZERO)
            for part in (items, reductions)
        )

        def remainder(goods: Any, reduced: Any, discount: Any, shipping: Any, duties: Any, taxes: Any, total: Any) -> Any:
            without = goods + reduced + shipping + duties + (ZERO if self.taxes_included else taxes)
            own = np.maximum(discount + reduced, ZERO)
            return np.where(without == total, ZERO, own)

        stated = (orders[name] for name in ("discount", "shipping", "duties", "taxes"))
        return common.combine(remainder, goods, reduced, *stated, common.known(orders["total_amount"], ZERO))

    def _taxes(self, head: pd.DataFrame) -> tuple[dict[int, dict[Decimal, Any]], Cells]:
        """For each order the stated tax per rate, and their sum: what `Taxes` states beyond its named parts joins the largest."""
        named: dict[int, dict[Decimal, Any]] = {}
        unreadable: dict[int, Bad] = {}
        default = Decimal(repr(self.tax_rate))
        for number in range(1, 6):
            names = column(head, f"Tax {number} Name")
            values = cells.money(column(head, f"Tax {number} Value"), None)
            for order, (name, value) in enumerate(zip(names, values, strict=True)):
                if isinstance(value, Bad):
                    unreadable[order] = value
                elif value:
                    found = _RATE.search(cells.plain(name))
                    rate = Decimal(found[1]) / 100 if found else default
                    of_order = named.setdefault(order, {})
                    of_order[rate] = of_order.get(rate, ZERO) + value
        for order, value in enumerate(cells.money(column(head, "Taxes"), None)):
            if isinstance(value, Bad):
                unreadable[order] = value
            elif value is not None:
                unnamed = value - sum(named.get(order, {}).values(), ZERO)
                if unnamed != 0:
                    of_order = named.setdefault(order, {})
                    main = max(of_order, key=of_order.__getitem__, default=default)
                    of_order[main] = of_order.get(main, ZERO) + unnamed
        sums = [unreadable.get(order, sum(named.get(order, {}).values(), ZERO)) for order in range(len(head))]
        return named, pd.Series(sums, index=head.index, dtype=object)

    def _lines(self, charges: pd.DataFrame, order: pd.DataFrame, taxes: dict[int, dict[Decimal, Any]]) -> pd.DataFrame:
        rates = self._rates(charges, taxes)
        gross = charges["gross"]
        weights = common.known(gross.where(~gross.map(lambda value: isinstance(value, Bad)).astype(bool), ZERO), ZERO)
        steps = [common.step(currency) for currency in order["currency"]]
        keys = list(zip(charges["order"], rates, strict=True))
        by_rate = {(number, rate): tax for number, of_order in taxes.items() for rate, tax in of_order.items()}
        homeless: dict[Hashable, Decimal] = {}
        for number, rate in by_rate.keys() - set(keys):
            homeless[number] = homeless.get(number, ZERO) + by_rate[number, rate]
        spread = common.apportion(by_rate, weights, keys, steps)
        if homeless:
            taxable = weights.where(charges["is_taxable"] != False, ZERO)  # noqa: E712 - an unreadable flag is not False
            spread = spread + common.apportion(homeless, taxable, charges["order"].tolist(), steps)
        order = order.set_axis(charges.index)
        spread_tax = pd.Series(spread, index=charges.index, dtype=object)
        tax = common.combine(lambda tax, *_: tax, spread_tax, gross, order["taxes"], charges["is_taxable"])
        return charges[["line_no", "line_type", "sku", "product_name", "quantity", "unit_price"]].assign(
            is_tax_included=common.fill(self.taxes_included, charges.index),
            tax_rate=[float(rate) for rate in rates],
            amount=common.combine(np.subtract, gross, tax) if self.taxes_included else gross,
            tax_amount=tax,
            **{name: order[name] for name in _SHARED},
        )

    def _rates(self, charges: pd.DataFrame, taxes: dict[int, dict[Decimal, Any]]) -> Any:
        """The rate of each line (see the module's quirks), as an object array."""
        none = {ZERO: ZERO}
        named = [taxes.get(order, none) for order in charges["order"]]
        low, high, main = np.empty(len(named), object), np.empty(len(named), object), np.empty(len(named), object)
        low[:] = [min(of_order) for of_order in named]
        high[:] = [max(of_order) for of_order in named]
        main[:] = [max(of_order, key=of_order.__getitem__) for of_order in named]
        goods = main
        if self.reduced_rate_skus:
            is_reduced = cells.each(
                common.known(charges["sku"], ""), lambda sku: any(fnmatchcase(sku, pattern) for pattern in self.reduced_rate_skus)
            )
            goods = np.where(is_reduced.to_numpy() == True, low, high)  # noqa: E712 - an unreadable SKU is not True
        goods = np.where(charges["line_no"] == "discount", main, goods)
        rates = np.where(charges["line_type"].isin(["shipping", "fee"]), high, goods)
        return np.where(charges["is_taxable"].to_numpy() == False, ZERO, rates)  # noqa: E712

    def _adjustments(self, orders: pd.DataFrame, lines: pd.DataFrame, position: common.Groups) -> pd.DataFrame:
        dated = orders["cancelled_at"].where(orders["cancelled_at"].notna(), orders["updated_at"])
        undone = common.undone_orders(orders, lines, position, dated, self.zone, {"cancelled": "cancel"})
        is_refunded = (orders["refunded"] != ZERO) & (orders["status"] != "cancelled")
        taxes = pd.Series(common.fold(lines["tax_amount"], position, len(orders)), index=orders.index, dtype=object)
        order, tax = orders[is_refunded], taxes[is_refunded]
        steps = pd.Series([common.step(currency) for currency in order["currency"]], index=order.index, dtype=object)

        def tax_of(refunded: Any, tax: Any, total: Any, steps: Any) -> Any:
            return common.rounded(refunded * tax / np.where(total == 0, common.ONE, total), steps)

        refunded_tax = common.combine(tax_of, order["refunded"], tax, order["total_amount"], steps)
        refunds = order[["order_id", "mail_pid", "phone_pid", "currency", "updated_at"]].assign(
            type="refund",
            adjustment_id=common.combine(lambda order_id: order_id + "-refund", order["order_id"]),
            adjusted_at=order["updated_at"],
            business_date=common.days(order["updated_at"], self.zone),
            amount=common.combine(lambda refunded, tax: tax - refunded, order["refunded"], refunded_tax),
            tax_amount=cells.each(refunded_tax, lambda value: -value),
        )
        adjustments: pd.DataFrame = pd.concat([undone, refunds]).sort_index(kind="stable")
        return adjustments


def _order_of_each_row(rows: pd.DataFrame) -> common.Groups:
    """The position of each row's order: a new one begins with another `Name` (some exports repeat `Created at` on each row)."""
    name = rows["Name"].where(rows["Name"] != "").ffill().fillna("")
    begins = name != name.shift()
    return begins.cumsum().to_numpy(dtype=np.int64) - 1


def order_status(paid: Cells, fulfilled: Cells, cancelled_at: Cells) -> Cells:
    """Each order's state, of Shopify's words in small letters; one that is not known stays, for the door to name."""
    financial = common.known(cells.choice(paid, _FINANCIAL), "placed")
    is_known = financial.isin(_FINANCIAL.values())
    is_shipped = financial.isin(["placed", "paid"]) & (fulfilled == "fulfilled")
    status = financial.where(~is_shipped, "shipped")
    return status.where(cancelled_at.isna() | ~is_known, cells.each(cancelled_at, lambda _: "cancelled"))


def _negative(amounts: Cells) -> Cells:
    return cells.each(amounts, lambda amount: -amount)
