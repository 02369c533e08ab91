"""Any order export by its column map: order ids, prices and tax, cancellations, and two real data sets with published answers."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from pipelines.sources.connection import Bad, Person, Sheet, SourceError
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.files import read_sheets

REAL = Path(os.environ.get("ENGAGEMENT_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
COLUMNS = {
    "order_id": "No",
    "ordered_at": "Day",
    "customer_id": "Buyer",
    "sku": "Item",
    "quantity": "Pieces",
    "unit_price": "Price",
}
ROW = {"No": "A1", "Day": "2024-01-31 10:00", "Buyer": "7", "Item": "mug", "Pieces": "2", "Price": "500"}
CONNECTION = {"name": "shop", "kind": "mapped_csv", "path": "."}


def read(*rows: dict[str, str], columns: dict[str, Any] | None = None, **options: Any) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(list(rows), dtype="str")
    frame.index = pd.RangeIndex(2, len(rows) + 2)
    connection = MappedCsv(columns={**COLUMNS, **(columns or {})}, **CONNECTION, **options)
    return {frame.table: frame.rows for frame in connection.read(Sheet("orders.csv", frame))}


def read_file(path: Path, **options: Any) -> dict[str, pd.DataFrame]:
    if not path.exists():
        pytest.skip(f"real data not found: {path.parent.name} lies neither at ../shared/data nor at $ENGAGEMENT_REAL_DATA")
    connection = MappedCsv(**{**CONNECTION, "path": path}, **options)
    (sheet,) = read_sheets(path, **connection.read_options())
    return {frame.table: frame.rows for frame in connection.read(sheet)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"order_id": "No", "ordered_at": "Day"}}, "columns needs unit_price or amount"),
        ({"columns": {**COLUMNS, "colour": "Colour"}}, "Extra inputs"),
        ({"columns": COLUMNS, "cancellation": {}}, "either prefix or negative"),
        ({"columns": COLUMNS, "cancellation": {"prefix": "C", "column": "status"}}, "cancellation looks at status"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MappedCsv(**CONNECTION, **options)


def test_a_mapped_column_the_export_lacks_is_named_with_a_near_match() -> None:
    with pytest.raises(SourceError, match=r"no column Prices.*did you mean Price for Prices"):
        read(ROW, columns={"unit_price": "Prices"})


def test_unreadable_cells_are_carried_to_what_is_computed_from_them() -> None:
    (line,) = read({**ROW, "Pieces": "1E+3x"})["order_lines"].to_dict("records")
    assert line["amount"] == line["tax_amount"] == line["quantity"] == Bad("Pieces", "1E+3x", "not a number")
    (order,) = read({**ROW, "Day": "31/1/2024"})["orders"].to_dict("records")
    assert isinstance(order["ordered_at"], Bad)
    assert order["updated_at"] == order["business_date"] == order["ordered_at"]


def test_lines_of_an_order_are_numbered_by_their_place_even_when_they_are_alike() -> None:
    tables = read(ROW, ROW, {**ROW, "No": "A2", "Buyer": ""})
    assert tables["order_lines"][["order_id", "line_no"]].values.tolist() == [["A1", "1"], ["A1", "2"], ["A2", "1"]]
    first, second = tables["orders"].to_dict("records")
    assert first["customer_pid"] == Person("customer", "id", "7", "shop")
    assert second["customer_pid"] is None
    assert first["ordered_at"] == datetime(2024, 1, 31, 1, 0, tzinfo=UTC)
    assert first["business_date"] == date(2024, 1, 31)
    assert (first["status"], first["currency"], first["is_test"], first["total_amount"]) == ("placed", "JPY", False, None)


def test_an_order_is_as_new_as_its_newest_line() -> None:
    tables = read(ROW, {**ROW, "Day": "2024-02-02 10:00"})
    assert tables["orders"]["updated_at"].tolist() == [datetime(2024, 2, 2, 1, 0, tzinfo=UTC)]
    assert tables["order_lines"]["business_date"].tolist() == [date(2024, 1, 31)] * 2


@pytest.mark.parametrize(
    ("included", "rounding", "amount", "tax"),
    [
        (False, "round", 1001, 100),
        (False, "ceil", 1001, 101),
        (True, "round", 910, 91),
        (True, "ceil", 910, 91),
        (True, "floor", 910, 91),
    ],
)
def test_tax_is_added_to_a_line_or_taken_out_of_it(included: bool, rounding: str, amount: int, tax: int) -> None:
    # 10 % on 1,001 are 100.1; 1,001 contain exactly 91
    lines = read({**ROW, "Pieces": "1", "Price": "1,001"}, tax_included=included, tax_rounding=rounding, tax_rate=0.1)[
        "order_lines"
    ]
    assert lines[["amount", "tax_amount"]].values.tolist() == [[amount, tax]]


@pytest.mark.parametrize(("written", "rate"), [("8%", 0.08), ("0.08", 0.08), ("8", 0.08), ("", 0.1), ("0", 0.0)])
def test_a_rate_is_a_share_a_percentage_or_a_number_of_per_cent(written: str, rate: float) -> None:
    lines = read({**ROW, "Tax": written}, columns={"tax_rate": "Tax"}, tax_rate=0.1)["order_lines"]
    assert lines["tax_rate"].tolist() == [rate]


def test_the_price_of_a_piece_follows_from_the_amount_of_the_line() -> None:
    rows = [{**ROW, "Sum": "1000", "Pieces": pieces} for pieces in ("3", "0", "-1")]
    lines = read(*rows, columns={"unit_price": None, "amount": "Sum"})["order_lines"]
    assert lines["unit_price"].tolist() == [Decimal("333.3333"), 1000, 1000]
    assert lines["amount"].tolist() == [1000, 1000, 1000]


def test_a_currency_column_and_an_amount_marked_in_another_currency() -> None:
    lines = read({**ROW, "Price": "$1.50", "Money": "USD"}, columns={"currency": "Money"})["order_lines"]
    assert lines[["currency", "amount"]].values.tolist() == [["USD", Decimal("3.00")]]
    (price,) = read({**ROW, "Price": "$1.50"})["order_lines"]["unit_price"]
    assert price == Bad("Price", "$1.50", "marked $, but the currency is JPY")


def test_rows_with_the_prefix_are_cancellations_and_make_no_order() -> None:
    tables = read(ROW, {**ROW, "No": "CA9", "Pieces": "-2"}, {**ROW, "No": "CA9", "Pieces": "1"}, cancellation={"prefix": "C"})
    assert tables["orders"]["order_id"].tolist() == ["A1"]
    adjustments = tables["adjustments"]
    columns = ["adjustment_id", "order_id", "type", "quantity", "amount"]
    assert adjustments[columns].values.tolist() == [["CA9-1", None, "cancel", -2.0, -1000], ["CA9-2", None, "cancel", -1.0, -500]]
    assert adjustments["customer_pid"].tolist() == [Person("customer", "id", "7", "shop")] * 2


def test_negative_rows_name_the_order_they_cancel() -> None:
    adjustments = read(ROW, {**ROW, "Pieces": "-1"}, cancellation={"negative": "quantity"})["adjustments"]
    assert adjustments[["adjustment_id", "order_id", "amount"]].values.tolist() == [["A1-2", "A1", -500]]


def test_negative_rows_stay_lines_where_nothing_says_they_are_cancellations() -> None:
    tables = read({**ROW, "Pieces": "-10", "Price": "0"})
    assert tables["order_lines"]["quantity"].tolist() == [-10]
    assert tables["adjustments"].empty


def test_a_mapped_status_and_an_order_it_cancels() -> None:
    rows = [{**ROW, "State": "済"}, {**ROW, "No": "A2", "State": "取消"}, {**ROW, "No": "A3", "State": "?"}]
    tables = read(*rows, columns={"status": "State"}, status_map={"済": "shipped", "取消": "cancelled"})
    assert tables["orders"]["status"].tolist() == ["shipped", "cancelled", "?"]
    assert tables["adjustments"][["adjustment_id", "type", "amount"]].values.tolist() == [["A2-cancel", "cancel", -1000]]


def test_one_row_per_order_and_ids_joined_from_two_columns() -> None:
    tables = read(ROW, ROW, {**ROW, "Buyer": "8"}, columns={"order_id": ["Buyer", "No"]}, order_id_per_row=True, grain="order")
    assert tables["orders"]["order_id"].tolist() == ["7-A1-1", "7-A1-2", "8-A1-1"]
    assert tables["order_lines"]["line_no"].tolist() == ["1", "1", "1"]


def test_an_id_with_a_blank_part_is_blank() -> None:
    tables = read({**ROW, "Buyer": ""}, columns={"order_id": ["Buyer", "No"]})
    assert tables["orders"]["order_id"].tolist() == [None]


def test_a_file_without_orders_and_one_of_cancellations_alone() -> None:
    empty = Sheet("orders.csv", pd.DataFrame(columns=list(ROW), dtype="str"))
    assert [len(frame.rows) for frame in MappedCsv(columns=COLUMNS, **CONNECTION).read(empty)] == [0, 0, 0, 0]
    tables = read({**ROW, "No": "C1"}, cancellation={"prefix": "C"})
    assert {name: len(rows) for name, rows in tables.items()} == {"orders": 0, "order_lines": 0, "products": 0, "adjustments": 1}


def test_online_retail_gives_its_published_numbers() -> None:
    tables = read_file(
        REAL / "ec_online_retail_slice" / "online_retail_slice.csv",
        time_zone="Europe/London",
        currency="GBP",
        columns={"order_id": "InvoiceNo", "customer_id": "CustomerID", "ordered_at": "InvoiceDate", "sku": "StockCode",
                 "product_name": "Description", "quantity": "Quantity", "unit_price": "UnitPrice"},
        cancellation={"prefix": "C", "column": "order_id"},
    )  # fmt: skip
    assert len(tables["adjustments"]) == 459
    assert len(tables["order_lines"]) == 20_497 - 459
    of_customers = tables["orders"][tables["orders"]["customer_pid"].notna()]
    assert (len(of_customers), of_customers["customer_pid"].nunique()) == (886, 217)
    lines = tables["order_lines"]
    assert lines["amount"][lines["order_id"].isin(of_customers["order_id"])].sum() == Decimal("324455.38")
    returned = lines[(lines["quantity"] < 0) & (lines["unit_price"] == 0)]
    assert len(returned) == 2


def test_cdnow_gives_its_published_numbers() -> None:
    tables = read_file(
        REAL / "ec_cdnow" / "CDNOW_sample.txt",
        currency="USD",
        whitespace=True,
        header=["master_id", "sample_id", "date", "cds", "dollars"],
        columns={
            "order_id": ["master_id", "date"],
            "customer_id": "master_id",
            "ordered_at": "date",
            "quantity": "cds",
            "amount": "dollars",
        },
        order_id_per_row=True,
        date_format="%Y%m%d",
    )
    orders, lines = tables["orders"], tables["order_lines"]
    assert (len(orders), orders["order_id"].nunique(), orders["customer_pid"].nunique()) == (6919, 6919, 2357)
    assert (lines["quantity"].sum(), lines["amount"].sum()) == (16_479, Decimal("244091.94"))
    repeaters = orders.groupby("customer_pid")["business_date"].nunique().gt(1).sum()
    assert repeaters == 1139
