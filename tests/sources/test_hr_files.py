"""HR files: a register written by hand in Excel, told apart by headers; states and leavers land on their own day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.hr import HrFiles

REGISTER = ["社員番号", "メール", "上司社員番号", "所属", "適用日", "入社日", "退職日", "退職理由", "雇用形態"]
STATES: list[list[Any]] = [
    [
        "００１２",
        "Sato@Example.jp",
        "0001",
        "営業本部／東京支店",
        "令和元年５月１日",
        "H31.4.1",
        "2026/03/31",
        "自己都合",
        "正社員",
    ],
    [
        "0012",
        "sato@example.jp",
        "0001",
        "営業本部/大阪支店",
        datetime(2024, 4, 1),
        "平成31年4月1日",
        "R8.3.31",
        "自己都合",
        "正社員",
    ],
    ["0001", None, None, "営業本部", "2020年10月1日", date(2010, 4, 1), None, None, "役員"],
]
ACTIVITIES = (
    "活動ID,社員番号,種類,実施日,時間,採用\r\n"
    "A1,0012,１on１,2026/1/31,０.5,\r\n"
    "A2,0012,改善提案,2026/2/1,,採用\r\n"
    "A3,1,懇親会,2026/2/2,2,\r\n"
)
FINANCE = 'business_unit,month,account,amount\n営業本部,2026-01,sales,"1,200,000"\n営業本部,令和8年1月,営業利益,△５００円\n'


def read(folder: Path, **options: Any) -> dict[str, pd.DataFrame]:
    connection = HrFiles.model_validate({"name": "hr", "kind": "hr_files", "path": folder, **options})
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    return {frame.table: frame.rows for sheet in sheets for frame in connection.read(sheet)}


def register(folder: Path, states: list[list[Any]], header: list[str] = REGISTER) -> None:
    book = Workbook()
    for row in (header, *states):
        book.worksheets[0].append(row)
    book.save(folder / "employees.xlsx")


def test_a_register_without_the_day_of_hire_is_refused(tmp_path: Path) -> None:
    register(tmp_path, STATES, [header.replace("入社日", "入社") for header in REGISTER])
    with pytest.raises(SourceError, match=r"employees.xlsx has no column 入社日 .*did you mean 入社 for 入社日"):
        read(tmp_path)


def test_a_file_that_belongs_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "menu.csv").write_text("日替わり,価格\nカレー,500\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"menu.csv is no file of this folder: .* Known are employees: 社員番号"):
        read(tmp_path)


def test_a_day_that_cannot_be_read_is_bad_and_dates_nothing(tmp_path: Path) -> None:
    register(tmp_path, [["0012", None, None, "営業本部", "来月", "H31.4.1", None, None, None]])
    row = read(tmp_path)["employees"].iloc[0]
    assert isinstance(row["valid_from"], Bad)
    assert (row["change_date"], row["updated_at"], row["business_date"]) == (None, None, None)


def test_an_employee_number_a_spreadsheet_has_rounded_is_bad(tmp_path: Path) -> None:
    (tmp_path / "activities.csv").write_text(ACTIVITIES.replace("A1,0012", "A1,5.70306E+17"), encoding="cp932")
    assert read(tmp_path)["activities"].iloc[0]["employee_pid"].raw == "5.70306E+17"


def test_a_register_in_excel_with_japanese_years_and_full_width_digits(tmp_path: Path) -> None:
    register(tmp_path, STATES)
    first, second, boss = read(tmp_path)["employees"].to_dict("records")
    assert first["employee_pid"] == second["employee_pid"] == Person("employee", "id", "0012", "hr")
    assert first["mail_pid"] == Person("employee", "mail", "Sato@Example.jp")
    assert first["manager_pid"] == boss["employee_pid"] == Person("employee", "id", "0001", "hr")
    assert (first["org_unit"], first["employment_type"], first["leave_reason"]) == ("営業本部/東京支店", "正社員", "voluntary")
    assert (first["valid_from"], first["hire_date"], first["leave_date"]) == (
        date(2019, 5, 1),
        date(2019, 4, 1),
        date(2026, 3, 31),
    )
    assert (second["hire_date"], boss["hire_date"]) == (date(2019, 4, 1), date(2010, 4, 1))
    assert (boss["mail_pid"], boss["manager_pid"], boss["leave_date"]) == (None, None, None)


def test_each_state_changes_on_its_own_day_and_the_last_one_on_leaving(tmp_path: Path) -> None:
    register(tmp_path, STATES)
    rows = read(tmp_path)["employees"]
    assert rows["change_date"].tolist() == [date(2019, 5, 1), date(2026, 3, 31), date(2020, 10, 1)]
    assert rows["business_date"].tolist() == rows["valid_from"].tolist()
    assert rows["updated_at"].iloc[1] == datetime(2026, 3, 30, 15, tzinfo=UTC)


def test_activities_in_cp932(tmp_path: Path) -> None:
    (tmp_path / "activities.csv").write_bytes(ACTIVITIES.encode("cp932"))
    rows = read(tmp_path)["activities"]
    assert rows["kind"].tolist() == ["one_on_one", "suggestion", "懇親会"]  # the door names what nobody mapped
    assert rows["hours"].tolist() == [0.5, None, 2.0]
    assert rows["is_adopted"].tolist() == [None, True, None]
    assert rows["employee_pid"].iloc[2] == Person("employee", "id", "1", "hr")
    assert rows["business_date"].tolist() == [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]
    assert rows["change_date"].tolist() == rows["business_date"].tolist()


def test_finance_with_english_headers_and_no_currency(tmp_path: Path) -> None:
    (tmp_path / "finance.csv").write_text(FINANCE, encoding="utf-8-sig")
    rows = read(tmp_path)["finance"]
    assert rows["month"].tolist() == [date(2026, 1, 1)] * 2
    assert rows["account"].tolist() == ["sales", "operating_profit"]
    assert rows["amount"].tolist() == [Decimal(1200000), Decimal(-500)]
    assert rows["currency"].tolist() == ["JPY", "JPY"]


def test_a_figure_in_another_currency_than_stated_is_bad(tmp_path: Path) -> None:
    (tmp_path / "finance.csv").write_text(FINANCE.replace('"1,200,000"', "$1200"), encoding="utf-8")
    assert read(tmp_path)["finance"]["amount"].iloc[0] == Bad("amount", "$1200", "marked $, but the currency is JPY")


def test_the_files_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    register(tmp_path, STATES)
    (tmp_path / "a.csv").write_text(ACTIVITIES, encoding="utf-8")
    (tmp_path / "b.csv").write_text(FINANCE, encoding="utf-8")
    assert {table: len(rows) for table, rows in read(tmp_path).items()} == {"employees": 3, "activities": 3, "finance": 2}
