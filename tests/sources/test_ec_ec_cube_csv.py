"""EC-CUBE's exports: line kinds, tax per piece, cancellations and returns, members, columns switched off."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.connection import Bad, Person, Sheet, SourceError
from pipelines.sources.ec.ec_cube_csv import EcCubeCsv
from pipelines.sources.files import read_sheets

ORDER = {
    "注文ID": "12", "会員ID": "7", "メールアドレス": "taro@example.jp", "TEL": "0312345678", "支払合計": "2698",
    "対応状況(ID)": "6", "対応状況(名称)": "入金済み", "受注日": "2024-01-31 23:30:00",
    "入金日": "2024-02-01 08:00:00", "発送日": "",
}  # fmt: skip
ITEM = {
    "注文詳細ID": "1",
    "商品名": "湯のみ",
    "商品コード": "yunomi-01",
    "価格": "999",
    "個数": "2",
    "税率": "10",
    "明細区分(ID)": "1",
}
SHIPPING = {"注文詳細ID": "2", "商品名": "送料", "価格": "500", "個数": "1", "税率": "10", "明細区分(ID)": "2"}
MEMBER = {
    "会員ID": "7", "メールアドレス": "taro@example.jp", "TEL": "0312345678", "都道府県(名称)": "東京都", "性別(名称)": "男性",
    "誕生日": "1980-04-01 00:00:00", "会員ステータス(ID)": "2", "会員ステータス(名称)": "本会員", "登録日": "2023-05-01 10:00:00",
    "更新日": "2024-01-15 09:00:00",
}  # fmt: skip


def read(*rows: dict[str, str], drop: tuple[str, ...] = (), **options: Any) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(list(rows), dtype="str").fillna("").drop(columns=list(drop))
    frame.index = pd.RangeIndex(2, len(rows) + 2)
    connection = EcCubeCsv(name="shop_eccube", kind="ec_cube_csv", path=".", **options)
    return {frame.table: frame.rows for frame in connection.read(Sheet("order.csv", frame))}


def by_line(lines: pd.DataFrame, column: str) -> dict[str, Any]:
    return dict(zip(lines["line_no"], lines[column], strict=True))


def paid(lines: pd.DataFrame) -> Decimal:
    return sum(lines["amount"], Decimal(0)) + sum(lines["tax_amount"], Decimal(0))


def test_a_file_that_is_neither_orders_nor_members_is_refused() -> None:
    with pytest.raises(SourceError, match="neither 注文ID"):
        read({"商品コード": "a"})


@pytest.mark.parametrize("missing", ["受注日", "価格", "個数", "税率"])
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(SourceError, match=f"no column {missing}"):
        read({**ORDER, **ITEM}, drop=(missing,))


def test_without_id_and_name_of_the_status_the_file_is_refused() -> None:
    with pytest.raises(SourceError, match=r"no column 対応状況\(名称\)"):
        read({**ORDER, **ITEM}, drop=("対応状況(ID)", "対応状況(名称)"))


@pytest.mark.parametrize(("header", "tables"), [({**ORDER, **ITEM}, 4), (MEMBER, 1)])
def test_a_file_without_rows_gives_empty_tables(header: dict[str, str], tables: int) -> None:
    connection = EcCubeCsv(name="shop_eccube", kind="ec_cube_csv", path=".")
    frames = list(connection.read(Sheet("order.csv", pd.DataFrame(columns=list(header), dtype="str"))))
    assert [len(frame.rows) for frame in frames] == [0] * tables


def test_an_unreadable_quantity_is_kept_as_such_and_nothing_is_computed_from_it() -> None:
    lines = read({**ORDER, **ITEM, "個数": "2個"})["order_lines"]
    bad = Bad("個数", "2個", "not a number")
    assert lines[["quantity", "amount", "tax_amount"]].values.tolist() == [[bad, bad, bad]]


def test_an_order_with_goods_without_tax_and_shipping_with_tax() -> None:
    tables = read({**ORDER, **ITEM}, {**ORDER, **SHIPPING})
    (order,) = tables["orders"].to_dict("records")
    assert order["customer_pid"] == Person("customer", "id", "7", "shop_eccube")
    assert order["mail_pid"] == Person("customer", "mail", "taro@example.jp")
    assert order["ordered_at"] == datetime(2024, 1, 31, 14, 30, tzinfo=UTC)
    assert order["updated_at"] == datetime(2024, 1, 31, 23, 0, tzinfo=UTC)
    assert order["business_date"] == date(2024, 1, 31)
    assert (order["status"], order["total_amount"], order["currency"]) == ("paid", 2698, "JPY")
    # 999 x 10 % = 99.9, rounded to 100 per piece; 500 contains 45.45 of tax, rounded to 45
    assert by_line(tables["order_lines"], "amount") == {"1": 1998, "2": 455}
    assert by_line(tables["order_lines"], "tax_amount") == {"1": 200, "2": 45}
    assert by_line(tables["order_lines"], "is_tax_included") == {"1": False, "2": True}
    assert paid(tables["order_lines"]) == 2698
    assert tables["products"][["sku", "name"]].values.tolist() == [["yunomi-01", "湯のみ"]]
    assert tables["adjustments"].empty


def test_discounts_fees_and_points_and_a_line_of_tax_only() -> None:
    common = {**ORDER, "商品コード": "", "個数": "1", "税率": "10"}
    lines = read(
        {**ORDER, **ITEM},
        {**common, "注文詳細ID": "3", "価格": "330", "明細区分(ID)": "3"},
        {**common, "注文詳細ID": "4", "価格": "-110", "明細区分(ID)": "4"},
        {**common, "注文詳細ID": "5", "価格": "-50", "明細区分(ID)": "6"},
        {**common, "注文詳細ID": "6", "価格": "8", "明細区分(ID)": "5"},
    )["order_lines"]
    assert by_line(lines, "line_type") == {"1": "item", "3": "fee", "4": "discount", "5": "points", "6": "fee"}
    assert by_line(lines, "amount") == {"1": 1998, "3": 300, "4": -100, "5": -50, "6": 0}
    assert by_line(lines, "tax_amount") == {"1": 200, "3": 30, "4": -10, "5": 0, "6": 8}
    assert by_line(lines, "tax_rate") == {"1": 0.1, "3": 0.1, "4": 0.1, "5": 0.0, "6": 0.0}


def test_names_stand_in_for_ids_and_an_unknown_name_is_left_for_the_door() -> None:
    rows = [
        {**ORDER, **ITEM, "明細区分(名称)": "商品", "対応状況(名称)": "発送済み"},
        {**ORDER, **ITEM, "注文ID": "13", "明細区分(名称)": "おまけ", "対応状況(名称)": "保留"},
    ]
    tables = read(*rows, drop=("対応状況(ID)", "明細区分(ID)"))
    assert tables["orders"]["status"].tolist() == ["shipped", "保留"]
    assert tables["order_lines"]["line_type"].tolist() == ["item", "おまけ"]


@pytest.mark.parametrize("word", ["10", "配送準備中"])
def test_a_state_of_the_shops_own_is_mapped_by_id_or_name(word: str) -> None:
    row = {**ORDER, **ITEM, "対応状況(ID)": "10", "対応状況(名称)": "配送準備中"}
    assert read(row)["orders"]["status"].tolist() == ["10"]
    assert read(row, status_map={word: "paid"})["orders"]["status"].tolist() == ["paid"]


def test_lines_are_numbered_by_their_place_when_their_ids_are_switched_off() -> None:
    lines = read({**ORDER, **ITEM}, {**ORDER, **SHIPPING}, {**ORDER, **ITEM, "注文ID": "13"}, drop=("注文詳細ID",))["order_lines"]
    assert lines[["order_id", "line_no"]].values.tolist() == [["12", "1"], ["12", "2"], ["13", "1"]]


def test_a_guest_has_no_customer() -> None:
    (order,) = read({**ORDER, **ITEM, "会員ID": ""})["orders"].to_dict("records")
    assert order["customer_pid"] is None
    assert order["mail_pid"] is not None


@pytest.mark.parametrize(("code", "status", "kind"), [("3", "cancelled", "cancel"), ("9", "returned", "return")])
def test_an_order_cancelled_or_returned_is_taken_back_on_the_last_day_anything_happened(
    code: str, status: str, kind: str
) -> None:
    changed = {**ORDER, "対応状況(ID)": code}
    tables = read({**changed, **ITEM}, {**changed, **SHIPPING, "発送日": "2024-02-05 10:00:00"})
    assert tables["orders"]["status"].tolist() == [status]
    (adjustment,) = tables["adjustments"].to_dict("records")
    assert (adjustment["adjustment_id"], adjustment["type"], adjustment["quantity"]) == (f"12-{kind}", kind, -2)
    assert (adjustment["amount"], adjustment["tax_amount"]) == (-2453, -245)
    assert adjustment["adjusted_at"] == datetime(2024, 2, 5, 1, 0, tzinfo=UTC)
    assert adjustment["business_date"] == date(2024, 2, 5)
    assert adjustment["customer_pid"] == Person("customer", "id", "7", "shop_eccube")


def test_a_product_takes_the_name_of_its_newest_line() -> None:
    later = {**ORDER, **ITEM, "注文ID": "13", "受注日": "2024-03-01 00:00:00", "商品名": "湯のみ（大）"}
    products = read(later, {**ORDER, **ITEM})["products"]
    assert products[["sku", "name", "business_date"]].values.tolist() == [["yunomi-01", "湯のみ（大）", date(2024, 3, 1)]]


def test_members() -> None:
    tables = read(MEMBER, {**MEMBER, "会員ID": "8", "会員ステータス(ID)": "3", "誕生日": "", "メールアドレス": ""})
    first, second = tables["customers"].to_dict("records")
    assert first["customer_pid"] == Person("customer", "id", "7", "shop_eccube")
    assert (first["status"], first["prefecture"], first["birth_year"], first["gender"]) == ("active", "東京都", 1980, "男性")
    assert first["registered_at"] == datetime(2023, 5, 1, 1, 0, tzinfo=UTC)
    assert first["updated_at"] == datetime(2024, 1, 15, 0, 0, tzinfo=UTC)
    assert first["business_date"] == date(2023, 5, 1)
    assert (second["status"], second["birth_year"], second["mail_pid"]) == ("withdrawn", None, None)


def test_a_cp932_file_with_columns_in_another_order(tmp_path: Path) -> None:
    row = {**ITEM, "商品名": "髙橋の湯のみ①", **ORDER, "送料": "500", "送料.1": "500"}
    header = ",".join("送料" if name == "送料.1" else name for name in row)
    (tmp_path / "order.csv").write_bytes(f"{header}\r\n{','.join(row.values())}\r\n".encode("cp932"))
    connection = EcCubeCsv(name="shop_eccube", kind="ec_cube_csv", path=tmp_path)
    (sheet,) = read_sheets(tmp_path / "order.csv")
    tables = {frame.table: frame.rows for frame in connection.read(sheet)}
    assert tables["order_lines"]["product_name"].tolist() == ["髙橋の湯のみ①"]


ROUNDING = {"round": ROUND_HALF_UP, "floor": ROUND_FLOOR, "ceil": ROUND_CEILING}
LINE = st.tuples(st.sampled_from(["1", "2", "3", "4", "6"]), st.integers(1, 50_000), st.integers(1, 9), st.sampled_from([8, 10]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(LINE, min_size=1, max_size=6), min_size=1, max_size=4), st.sampled_from(["round", "floor", "ceil"]))
def test_amounts_and_taxes_of_the_lines_are_what_the_customer_paid(orders: list[Any], rounding: str) -> None:
    rows, totals = [], {}
    for number, lines in enumerate(orders):
        total = 0
        of_order = []
        for place, (kind, price, quantity, rate) in enumerate(lines):
            signed = -price if kind in "46" else price
            tax = int((Decimal(signed * rate) / 100).quantize(Decimal(1), ROUNDING[rounding])) if kind == "1" else 0
            total += (signed + tax) * quantity
            of_order.append(
                {
                    "注文詳細ID": f"{place}",
                    "価格": f"{signed}",
                    "個数": f"{quantity}",
                    "税率": f"{rate}",
                    "明細区分(ID)": kind,
                    "商品コード": "a",
                }
            )
        totals[f"{number}"] = total
        rows.extend({**ORDER, **line, "注文ID": f"{number}", "支払合計": f"{total}"} for line in of_order)
    tables = read(*rows, tax_rounding=rounding)
    for order_id, of_order in tables["order_lines"].groupby("order_id"):
        assert paid(of_order) == totals[str(order_id)]
    assert tables["orders"]["total_amount"].tolist() == list(totals.values())
