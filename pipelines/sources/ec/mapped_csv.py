"""Orders of any shop whose export has one row per order line, or one per order; connections.yaml says which column is what.

Data flow: export -> orders, order_lines, products, adjustments

Quirks:
- `order_id` may be joined from several columns, and where a file only lists purchases (`order_id_per_row`) every row is an order
  of its own, told apart by its occurrence number. Without `line_no` a line's number is its place among the order's rows in the
  file: an order must therefore lie in one file as a whole.
- The price of a line is `unit_price`, or `amount` for all its pieces. Prices are without tax unless `tax_included`; `tax_rate`
  is a share, a percentage (`10%`), or, from 1 upwards, a number of per cent.
- Rows that `cancellation` picks are cancellations, not orders: they become adjustments and make no order. With a prefix the
  order they cancel is not known; with `negative` they name it themselves. Other negative rows stay order lines.
- An order whose status (after `status_map`) is cancelled or returned is taken back as a whole on its own day, the only one known.

    retail:
      source: ec
      kind: mapped_csv
      path: drop/retail
      time_zone: Europe/London
      currency: GBP
      columns: {order_id: InvoiceNo, customer_id: CustomerID, ordered_at: InvoiceDate, sku: StockCode,
                product_name: Description, quantity: Quantity, unit_price: UnitPrice}
      cancellation: {prefix: C, column: order_id}
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.sources import cells
from pipelines.sources.connection import Frame, Sheet
from pipelines.sources.ec import common
from pipelines.sources.ec.common import Cells, Rounding, ShopFile, column
from pipelines.sources.files import require

_PRICE_STEP = Decimal("0.0001")


class Columns(BaseModel):
    """Which header of the export holds what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order_id: str | tuple[str, ...]
    ordered_at: str
    customer_id: str | None = None
    mail: str | None = None
    phone: str | None = None
    line_no: str | None = None
    sku: str | None = None
    product_name: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    amount: str | None = None
    tax_rate: str | None = None
    currency: str | None = None
    status: str | None = None
    total: str | None = None

    @model_validator(mode="after")
    def _priced(self) -> Columns:
        if self.unit_price is None and self.amount is None:
            raise ValueError("columns needs unit_price or amount")
        return self

    @property
    def order_ids(self) -> tuple[str, ...]:
        """The headers whose cells, joined, make the order's id."""
        return (self.order_id,) if isinstance(self.order_id, str) else self.order_id

    def headers(self) -> list[str]:
        """Every header the export must have."""
        single = (value for name, value in self if name != "order_id" and value is not None)
        return [*self.order_ids, *single]


class Cancellation(BaseModel):
    """Which rows are cancellations: those whose `column` begins with `prefix`, or whose `negative` column is below zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str | None = Field(default=None, min_length=1)
    column: Literal["order_id", "line_no", "status"] = "order_id"
    negative: Literal["quantity", "amount"] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Cancellation:
        if (self.prefix is None) == (self.negative is None):
            raise ValueError("cancellation needs either prefix or negative")
        return self


class MappedCsv(ShopFile):
    """A drop folder of order exports described by its options."""

    tables: ClassVar[tuple[str, ...]] = ("products", "orders", "order_lines", "adjustments")

    columns: Columns
    grain: Literal["line", "order"] = "line"
    order_id_per_row: bool = False
    date_format: str | None = None
    currency: str = "JPY"
    tax_included: bool = False
    tax_rate: float = Field(default=0, ge=0, le=1)
    tax_rounding: Rounding = "round"
    cancellation: Cancellation | None = None
    status_map: dict[str, str] = Field(default_factory=dict)
    whitespace: bool = False
    header: tuple[str, ...] | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)

    @model_validator(mode="after")
    def _mapped(self) -> MappedCsv:
        rule = self.cancellation
        name = rule and (rule.negative or rule.column)
        if name and getattr(self.columns, name) is None:
            raise ValueError(f"cancellation looks at {name}, which columns does not map")
        return self

    def read_options(self) -> dict[str, Any]:
        """How `files.read_sheets` is to take the files apart."""
        header = None if self.header is None else list(self.header)
        return {"delimiter": self.delimiter, "whitespace": self.whitespace, "header": header}

    def documents(self, rows: pd.DataFrame) -> Cells:
        """The order of each row; one that repeats its customer and day is told apart by counting, so those stay together."""
        return common.combine(_joined, *(cells.identifier(column(rows, name)) for name in self.columns.order_ids))

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The orders of one export, their lines, the products named on them and what was taken back."""
        require(sheet, self.columns.headers())
        rows = self._rows(sheet.rows)
        is_cancelled = self._is_cancelled(rows)
        lines = rows[~is_cancelled]
        groups = common.group(lines["order_id"])
        orders = self._orders(lines, groups)
        of_order = orders[["updated_at", "business_date"]].iloc[groups].set_axis(lines.index)
        lines = lines.assign(updated_at=of_order["updated_at"], business_date=of_order["business_date"])
        yield common.frame("orders", orders)
        yield common.frame("order_lines", lines[list(_LINE)])
        yield common.products(lines)
        undone = common.undone_orders(orders, lines, groups, orders["updated_at"], self.zone)
        yield common.frame("adjustments", pd.concat([undone, self._cancellations(rows[is_cancelled])]))

    def _rows(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Every row of the sheet as an order line that carries its order's columns along."""
        at = self.columns
        order_id = self._order_id(raw)
        stated = common.fill(self.currency, raw.index) if at.currency is None else cells.text(raw[at.currency])
        money_of = None if at.currency else self.currency
        quantity = common.fill(1.0, raw.index) if at.quantity is None else cells.number(raw[at.quantity])
        pieces = common.decimals(quantity)
        unit_price = cells.money(column(raw, at.unit_price), money_of)
        if at.amount is None:
            gross = common.combine(np.multiply, unit_price, pieces)
        else:
            gross = cells.money(raw[at.amount], money_of)
            unit_price = unit_price if at.unit_price else common.combine(_price_of_a_piece, gross, pieces)
        rate = common.known(cells.each(cells.number(column(raw, at.tax_rate)), _share), self.tax_rate)
        tax = common.combine(self._tax, gross, common.decimals(rate), stated)
        ordered_at = cells.timestamp(raw[at.ordered_at], self.zone, self.date_format)
        if at.line_no is not None:
            line_no = cells.identifier(raw[at.line_no])
        else:
            line_no = common.fill("1", raw.index) if self.grain == "order" else common.occurrence(order_id)
        return pd.DataFrame(
            {
                "order_id": order_id,
                "line_no": line_no,
                "line_type": common.fill("item", raw.index),
                "sku": cells.identifier(column(raw, at.sku)),
                "product_name": cells.text(column(raw, at.product_name)),
                "quantity": quantity,
                "unit_price": unit_price,
                "is_tax_included": common.fill(self.tax_included, raw.index),
                "tax_rate": rate,
                "amount": common.combine(np.subtract, gross, tax) if self.tax_included else gross,
                "tax_amount": tax,
                "currency": stated,
                "customer_pid": common.persons(cells.identifier(column(raw, at.customer_id)), "id", self.name),
                "mail_pid": common.persons(cells.text(column(raw, at.mail)), "mail"),
                "phone_pid": common.persons(cells.text(column(raw, at.phone)), "phone"),
                "ordered_at": ordered_at,
                "status": common.known(cells.choice(column(raw, at.status), self.status_map), "placed"),
                "total_amount": cells.money(column(raw, at.total), money_of),
                "updated_at": ordered_at,
                "business_date": common.days(ordered_at, self.zone),
            }
        )

    def _order_id(self, raw: pd.DataFrame) -> Cells:
        order_id = self.documents(raw)
        if not self.order_id_per_row:
            return order_id
        return common.combine(_joined, order_id, common.occurrence(order_id))

    def _tax(self, gross: Any, rate: Any, currency: Any) -> Any:
        exact = gross * rate / (1 + rate) if self.tax_included else gross * rate
        return common.rounded(exact, [common.step(code) for code in currency], self.tax_rounding)

    def _is_cancelled(self, rows: pd.DataFrame) -> pd.Series[bool]:
        rule = self.cancellation
        if rule is None:
            return pd.Series(False, index=rows.index)
        if rule.prefix is not None:
            prefix = rule.prefix
            return cells.each(rows[rule.column], lambda text: text.startswith(prefix)).eq(True)
        return cells.each(rows[str(rule.negative)], lambda value: value < 0).eq(True)

    def _orders(self, lines: pd.DataFrame, groups: common.Groups) -> pd.DataFrame:
        orders = lines.iloc[common.first_rows(groups)][list(_ORDER)]
        newest = common.fold(lines["updated_at"], groups, len(orders), max)
        return orders.assign(
            updated_at=pd.Series(newest, index=orders.index, dtype=object),
            is_test=self.of_staff(orders["mail_pid"], orders["customer_pid"]),
        )

    def _cancellations(self, rows: pd.DataFrame) -> pd.DataFrame:
        """One adjustment per cancelling row, negative whichever sign the export gives it."""
        is_known = self.cancellation is not None and self.cancellation.negative is not None
        return pd.DataFrame(
            {
                "adjustment_id": common.combine(_joined, rows["order_id"], rows["line_no"]),
                "order_id": rows["order_id"] if is_known else common.fill(None, rows.index),
                **{name: rows[name] for name in _CANCELLED},
                "type": common.fill("cancel", rows.index),
                "adjusted_at": rows["ordered_at"],
                **{name: cells.each(rows[name], lambda value: -abs(value)) for name in ("quantity", "amount", "tax_amount")},
            }
        )


_LINE = (
    "order_id", "line_no", "line_type", "sku", "product_name", "quantity", "unit_price", "is_tax_included", "tax_rate", "amount",
    "tax_amount", "currency", "updated_at", "business_date",
)  # fmt: skip
_CANCELLED = ("customer_pid", "mail_pid", "phone_pid", "sku", "currency", "updated_at", "business_date")
_ORDER = (
    "order_id", "customer_pid", "mail_pid", "phone_pid", "ordered_at", "status", "currency", "total_amount", "updated_at",
    "business_date",
)  # fmt: skip


def _joined(first: Any, *others: Any) -> Any:
    for part in others:
        first = first + "-" + part
    return first


def _price_of_a_piece(amount: Any, quantity: Any) -> Any:
    several = np.where(quantity > 0, quantity, common.ONE)
    return np.where(quantity > 0, common.rounded(amount / several, [_PRICE_STEP] * len(amount)), amount)


def _share(rate: float) -> float:
    return rate if rate < 1 else float(Decimal(repr(rate)) / 100)
