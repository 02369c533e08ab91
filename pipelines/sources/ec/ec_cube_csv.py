"""Orders and customers exported by EC-CUBE 4 (受注CSV, 会員CSV).

Data flow, told apart by their headers:
    order export (has 注文ID)   -> orders, order_lines, products, adjustments
    customer export (has 会員ID) -> customers

Quirks of the format:
- cp932, one row per line of an order with the order's own columns repeated on each; shipping, fees, discounts and points used
  are lines of their own (明細区分). Columns may be switched off and reordered by the shop, so they are found by name; an order
  needs 注文ID, 受注日, 価格, 個数, 税率, 対応状況(ID or 名称) and 明細区分(ID or 名称).
- Tax is rounded per piece. The price of goods is without tax, that of the other lines contains it (`tax_included_types`);
  points are free of tax. A line of kind 税 is tax only: it lands as a fee of nothing with that tax.
- There is no day of cancellation or return: the whole order is taken back on the latest of 受注日, 入金日 and 発送日, the last
  day on which the shop states that anything happened to it. The same day is `updated_at`.
- Guests have no 会員ID.

    shop_eccube:
      source: ec
      kind: ec_cube_csv
      path: drop/shop_eccube
      tax_rounding: floor
      staff: ["@minamo.example"]  # orders from these addresses or customer numbers are no sales
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pipelines.sources import cells
from pipelines.sources.connection import Frame, Sheet, SourceError
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Cells, Rounding, ShopFile, column
from pipelines.sources.files import require

LineType = Literal["item", "shipping", "fee", "discount", "points"]

STATUS = {
    "1": "placed", "新規受付": "placed",
    "3": "cancelled", "注文取消し": "cancelled",
    "4": "placed", "対応中": "placed",
    "5": "shipped", "発送済み": "shipped",
    "6": "paid", "入金済み": "paid",
    "7": "pending", "決済処理中": "pending",
    "8": "pending", "購入処理中": "pending",
    "9": "returned", "返品": "returned",
}  # fmt: skip
LINE_TYPE = {
    "1": "item", "商品": "item",
    "2": "shipping", "送料": "shipping",
    "3": "fee", "手数料": "fee",
    "4": "discount", "割引": "discount",
    "5": "tax", "税": "tax",
    "6": "points", "ポイント": "points",
}  # fmt: skip
MEMBER = {
    "1": "provisional", "仮会員": "provisional",
    "2": "active", "本会員": "active",
    "3": "withdrawn", "退会": "withdrawn",
}  # fmt: skip


class EcCubeCsv(ShopFile):
    """A drop folder of EC-CUBE order and customer exports."""

    tables: ClassVar[tuple[str, ...]] = ("customers", "products", "orders", "order_lines", "adjustments")

    tax_included_types: tuple[LineType, ...] = ("shipping", "fee", "discount", "points")
    tax_rounding: Rounding = "round"
    # A shop's own states, by ID or name: {配送準備中: paid}
    status_map: dict[str, Literal["placed", "paid", "shipped", "cancelled", "returned", "pending"]] = Field(default_factory=dict)

    def documents(self, rows: pd.DataFrame) -> Cells:
        """The order of each row; of customers, each row by itself."""
        if "注文ID" in rows.columns:
            return cells.identifier(rows["注文ID"])
        return pd.Series(rows.index.astype(str), index=rows.index, dtype=object)

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """Orders or customers, whichever the file's header says it holds."""
        if "注文ID" in sheet.rows.columns:
            yield from self._orders(sheet)
        elif "会員ID" in sheet.rows.columns:
            yield self._customers(sheet)
        else:
            names = ", ".join(str(name) for name in sheet.rows.columns)
            raise SourceError(f"{sheet.file} has neither 注文ID (order export) nor 会員ID (customer export); it has: {names}")

    def _orders(self, sheet: Sheet) -> Iterator[Frame]:
        rows = sheet.rows
        require(sheet, ("受注日", "価格", "個数", "税率"))
        order_id = cells.identifier(rows["注文ID"])
        groups = common.group(order_id)
        first = common.first_rows(groups)
        head = rows.iloc[first]
        ordered_at = cells.timestamp(head["受注日"], self.zone)
        moments = [cells.timestamp(column(rows, name), self.zone) for name in ("受注日", "入金日", "発送日")]
        updated_at = common.fold(common.latest(*moments), groups, len(head), max)
        customers = common.persons(cells.identifier(column(head, "会員ID")), "id", self.name)
        mails = common.persons(cells.text(column(head, "メールアドレス")), "mail")
        orders = pd.DataFrame(
            {
                "order_id": order_id.iloc[first],
                "customer_pid": customers,
                "mail_pid": mails,
                "phone_pid": common.persons(cells.text(column(head, "TEL")), "phone"),
                "ordered_at": ordered_at,
                "status": _coded(sheet, head, "対応状況", {**STATUS, **self.status_map}),
                "currency": common.fill("JPY", head.index),
                "total_amount": cells.money(column(head, "支払合計")),
                "is_test": self.of_staff(mails, customers),
                "updated_at": pd.Series(updated_at, index=head.index, dtype=object),
                "business_date": common.days(ordered_at, self.zone),
            }
        )
        lines = self._lines(sheet, order_id, orders.iloc[groups])
        yield common.frame("orders", orders)
        yield common.frame("order_lines", lines)
        yield common.products(lines)
        yield common.frame("adjustments", common.undone_orders(orders, lines, groups, orders["updated_at"], self.zone))

    def _lines(self, sheet: Sheet, order_id: Cells, order: pd.DataFrame) -> pd.DataFrame:
        rows = sheet.rows
        stated_type = _coded(sheet, rows, "明細区分", LINE_TYPE)
        is_taxed = ~stated_type.isin(["tax", "points"])
        price = cells.money(rows["価格"])
        quantity = cells.number(rows["個数"])
        rate = common.decimals(cells.number(rows["税率"])).where(is_taxed, ZERO)
        rate = common.combine(lambda percent: percent / 100, common.known(rate, ZERO))
        is_included = stated_type.isin([*self.tax_included_types, "tax"])
        tax = common.combine(self._tax_of_a_piece, price, rate, is_included.astype(object))
        tax = tax.where(stated_type != "tax", price)
        net = common.combine(np.subtract, price, tax).where(is_included, price)
        pieces = common.decimals(quantity)
        numbered = cells.identifier(column(rows, "注文詳細ID"))
        return pd.DataFrame(
            {
                "order_id": order_id,
                "line_no": numbered.where(numbered.notna(), common.occurrence(order_id)),
                "line_type": stated_type.where(stated_type != "tax", "fee"),
                "sku": cells.identifier(column(rows, "商品コード")),
                "product_name": cells.text(column(rows, "商品名")),
                "quantity": quantity,
                "unit_price": price,
                "is_tax_included": is_included.astype(object),
                "tax_rate": cells.each(rate, float),
                "amount": common.combine(np.multiply, net, pieces),
                "tax_amount": common.combine(np.multiply, tax, pieces),
                "currency": common.fill("JPY", rows.index),
                "updated_at": order["updated_at"].set_axis(rows.index),
                "business_date": order["business_date"].set_axis(rows.index),
            }
        )

    def _tax_of_a_piece(self, price: Any, rate: Any, is_included: Any) -> Any:
        exact = price * rate / np.where(is_included.astype(bool), 1 + rate, common.ONE)
        return common.rounded(exact, [common.step("JPY")] * len(exact), self.tax_rounding)

    def _customers(self, sheet: Sheet) -> Frame:
        rows = sheet.rows
        if "更新日" not in rows.columns:
            require(sheet, ("登録日",))
        registered_at = cells.timestamp(column(rows, "登録日"), self.zone)
        updated_at = common.latest(registered_at, cells.timestamp(column(rows, "更新日"), self.zone))
        customers = pd.DataFrame(
            {
                "customer_pid": common.persons(cells.identifier(rows["会員ID"]), "id", self.name),
                "mail_pid": common.persons(cells.text(column(rows, "メールアドレス")), "mail"),
                "phone_pid": common.persons(cells.text(column(rows, "TEL")), "phone"),
                "registered_at": registered_at,
                "status": _coded(sheet, rows, "会員ステータス", MEMBER),
                "prefecture": cells.text(column(rows, "都道府県(名称)")),
                "birth_year": cells.each(cells.day(column(rows, "誕生日")), attrgetter("year")),
                "gender": cells.text(column(rows, "性別(名称)")),
                "updated_at": updated_at,
            }
        )
        customers["business_date"] = common.days(registered_at.where(registered_at.notna(), updated_at), self.zone)
        return common.frame("customers", customers)


def _coded(sheet: Sheet, rows: pd.DataFrame, name: str, mapping: Mapping[str, str]) -> Cells:
    """A master value by its ID, or by its 名称 where the ID is left out or not known; one of the two columns must be there."""
    by_id, by_name = f"{name}(ID)", f"{name}(名称)"
    if by_id not in rows.columns:
        require(sheet, (by_name,))
    number, word = cells.choice(column(rows, by_id), mapping), cells.choice(column(rows, by_name), mapping)
    known = set(mapping.values())
    return number.where(number.isin(known) | (number.notna() & ~word.isin(known)), word)
