"""What `rest` and `graphql` shops share: the options, and what follows from an order that a shop does not state itself.

Data flow: streams of records -> rows of the mapped tables -> lines completed (amount, tax, price of a piece) -> also the products
named on lines, and one adjustment for each order that was cancelled or returned as a whole.

A line needs `quantity` and one of `amount` (without tax), `gross` (with tax) and `unit_price`; `tax_included` says whether
`unit_price` holds tax. The rest follows: from `gross` less `amount`, or by `tax_rate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from pipelines.sources import mapped
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.ec import common
from pipelines.sources.ec.common import Rounding, Shop
from pipelines.sources.http import Api
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.schema import Column, Table
from pipelines.sources.streams import Stream

# What a shop may state of a line instead of what the contract holds.
_GROSS = Column("gross", "money", "Line amount with tax", "税込金額")
_PRICE_STEP = Decimal("0.0001")
S = TypeVar("S", bound=Stream)


class ShopStreams(Shop, LiveConnection, Generic[S]):
    """A shop whose lists and fields are described by its entry."""

    tables: ClassVar[tuple[str, ...]] = (
        "customers", "products", "orders", "order_lines", "adjustments", "reviews", "subscriptions", "subscription_events",
        "points",
    )  # fmt: skip

    currency: str = Field(default="JPY", pattern="^[A-Z]{3}$")
    tax_included: bool = False
    tax_rate: float = Field(default=0, ge=0, le=1)
    tax_rounding: Rounding = "round"
    streams: dict[str, S] = Field(min_length=1)

    @model_validator(mode="after")
    def _mapped(self) -> ShopStreams[S]:
        for name, stream in self.streams.items():
            nested = {target: child.columns for target, child in stream.rows.items()}
            for target, columns in {stream.table: stream.columns, **nested}.items():
                if target not in self.tables:
                    raise ValueError(f"streams.{name}: there is no table {target!r}; the tables are {', '.join(self.tables)}")
                mapped.check_columns(_table(target), columns)
            if "updated_at" not in stream.columns:
                raise ValueError(f"streams.{name}.columns: updated_at is missing; which field says when a record changed?")
        return self

    def paths(self, stream: str) -> Collection[str]:
        """Every path of the stream's columns, children and details."""
        return self.streams[stream].paths()

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """One stream after the other."""
        for name, stream in self.streams.items():
            yield from stream.pages(api, name, self, window)

    def read(self, page: Page) -> Iterator[Frame]:
        """The records' own rows, those in them, and what follows from orders."""
        stream = self.streams[page.stream]
        own = mapped.rows(
            _table(stream.table), page.records, stream.columns, mapped.Context(self), label=page.label, start=page.start
        )
        made = {stream.table: self._complete(stream.table, own)}
        for name, child in stream.rows.items():
            nested = mapped.children(page.records, child.each)
            rows = mapped.rows(_table(name), nested, child.columns, mapped.Context(self), label=page.label)
            made[name] = self._complete(name, mapped.inherited(_table(name), rows, nested, own, page.records))
        if "orders" in made and "order_lines" in made:
            made["adjustments"] = self._undone(made)
        yield from (common.frame(name, rows) for name, rows in made.items())
        if "order_lines" in made and {"sku", "product_name"} <= set(made["order_lines"].columns):
            yield common.products(made["order_lines"])

    def _complete(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        if any(column.name == "currency" for column in _table(name).columns):
            mapped.with_currency(rows, self.currency)
        if name == "orders":
            mails, numbers = rows.get("mail_pid"), rows.get("customer_pid")
            blank = common.fill(None, rows.index)
            staff = self.of_staff(blank if mails is None else mails, numbers)
            given = rows.get("is_test")
            rows["is_test"] = staff if given is None else [one is True or own for one, own in zip(given, staff, strict=True)]
            rows["status"] = common.known(rows["status"], "placed") if "status" in rows else "placed"
        if name == "order_lines":
            return self._completed_lines(rows)
        return rows

    def _completed_lines(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Every line with the amounts the contract wants; what a line states itself is kept."""
        blank = common.fill(None, rows.index)

        def given(name: str) -> common.Cells:
            return rows.get(name, blank)

        pieces = common.decimals(given("quantity"))
        price, gross, amount, tax = given("unit_price"), given("gross"), given("amount"), given("tax_amount")
        rate = common.known(given("tax_rate"), self.tax_rate)
        priced = common.combine(np.multiply, price, pieces)
        total = _else(gross, priced if self.tax_included else blank)
        net = _else(amount, common.combine(np.subtract, total, tax), blank if self.tax_included else priced)
        included = common.combine(self._tax_in, total, common.decimals(rate), rows["currency"])
        net = _else(net, common.combine(np.subtract, total, included))
        added = common.combine(self._tax_on, net, common.decimals(rate), rows["currency"])
        tax = _else(tax, common.combine(np.subtract, total, net), added)
        whole = total if self.tax_included else net
        rows["amount"], rows["tax_amount"], rows["tax_rate"] = net, tax, rate
        rows["unit_price"] = _else(price, common.combine(_price_of_a_piece, _else(whole, net), pieces))
        rows["is_tax_included"] = common.known(given("is_tax_included"), self.tax_included)
        rows["line_type"] = common.known(given("line_type"), "item")
        return rows.drop(columns="gross", errors="ignore")

    def _tax_in(self, gross: Any, rate: Any, currency: Any) -> Any:
        return common.rounded(gross * rate / (1 + rate), [common.step(code) for code in currency], self.tax_rounding)

    def _tax_on(self, net: Any, rate: Any, currency: Any) -> Any:
        return common.rounded(net * rate, [common.step(code) for code in currency], self.tax_rounding)

    def _undone(self, made: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        orders, lines = made["orders"], made["order_lines"]
        place = {order: position for position, order in enumerate(orders["order_id"])}
        groups = np.array([place[order] for order in lines["order_id"]], dtype=np.int64)
        at = _else(orders["cancelled_at"], orders["updated_at"]) if "cancelled_at" in orders else orders["updated_at"]
        undone = common.undone_orders(orders, lines, groups, at, self.zone)
        return pd.concat([made["adjustments"], undone]) if "adjustments" in made else undone


def _table(name: str) -> Table:
    """The landing table, with what a stream may say of its rows beside."""
    own = table("ec", name)
    return replace(own, columns=(*own.columns, _GROSS)) if name == "order_lines" else own


def _else(*choices: common.Cells) -> common.Cells:
    """The first of several columns that is not blank, row by row."""
    result = choices[0].astype(object)
    for choice in choices[1:]:
        result = result.where(result.notna(), choice)
    return result


def _price_of_a_piece(whole: Any, pieces: Any) -> Any:
    divisor = np.where(pieces == 0, common.ONE, pieces)
    return common.rounded(whole / divisor, [_PRICE_STEP] * len(whole))
