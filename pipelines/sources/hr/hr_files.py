"""Files of the HR department: the register of employees, the measures taken with them, and the figures of their business units.

Data flow: <folder>/*.csv or *.xlsx, told apart by their headers, Japanese or English (a worksheet counts as a file)
  社員番号/employee_id, メール/mail, 上司社員番号/manager_id, 所属/org_unit, 適用日/valid_from, 入社日/hire_date,
    退職日/leave_date, 退職理由/leave_reason, 雇用形態/employment_type -> hr.employees
  活動ID/activity_id, 社員番号/employee_id, 種類/kind, 実施日/occurred_on, 時間/hours, 採用/is_adopted
    -> hr.activities
  事業部/business_unit, 年月/month, 科目/account, 金額/amount, 通貨/currency -> hr.finance

Quirks: the register has one row per change (a transfer is a new row with its 適用日) and is written by hand: dates in 和暦, wide
digits. Registers often repeat the day of leaving on every row of a person: only the newest of them changes on that day, so that
the older states keep their own. Employee numbers, managers and mail addresses land as pseudonyms only.

    hr:
      source: hr
      kind: hr_files
      path: data_samples/hr
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

import pandas as pd

from pipelines.sources.connection import FileConnection, Frame, Sheet
from pipelines.sources.contract import table
from pipelines.sources.layouts import Layout, midnight, persons, readable, recognise

EMPLOYEES = Layout(
    table("hr", "employees"),
    {
        "employee_pid": ("社員番号", "employee_id"),
        "mail_pid": ("メール", "mail"),
        "manager_pid": ("上司社員番号", "manager_id"),
        "org_unit": ("所属", "org_unit"),
        "valid_from": ("適用日", "valid_from"),
        "hire_date": ("入社日", "hire_date"),
        "leave_date": ("退職日", "leave_date"),
        "leave_reason": ("退職理由", "leave_reason"),
        "employment_type": ("雇用形態", "employment_type"),
    },
    optional=frozenset({"mail_pid", "manager_pid", "leave_reason", "employment_type"}),
    words={
        "leave_reason": {
            "自己都合": "voluntary",
            "会社都合": "involuntary",
            "定年": "retirement",
            "契約満了": "contract_end",
            "転籍": "transfer",
            "死亡": "death",
        }
    },
)
ACTIVITIES = Layout(
    table("hr", "activities"),
    {
        "activity_id": ("活動ID", "activity_id"),
        "employee_pid": ("社員番号", "employee_id"),
        "kind": ("種類", "kind"),
        "occurred_on": ("実施日", "occurred_on"),
        "hours": ("時間", "hours"),
        "is_adopted": ("採用", "is_adopted"),
    },
    optional=frozenset({"hours", "is_adopted"}),
    words={"kind": {"1on1": "one_on_one", "研修": "training", "改善提案": "suggestion", "全社会": "town_hall"}},
)
FINANCE = Layout(
    table("hr", "finance"),
    {
        "business_unit": ("事業部", "business_unit"),
        "month": ("年月", "month"),
        "account": ("科目", "account"),
        "amount": ("金額", "amount"),
        "currency": ("通貨", "currency"),
    },
    optional=frozenset({"currency"}),
    words={"account": {"売上高": "sales", "営業利益": "operating_profit", "人件費": "labour_cost", "研修費": "training_cost"}},
)


class HrFiles(FileConnection):
    """A folder of HR files. `currency` holds where a figure states none."""

    source: ClassVar[str] = "hr"
    tables: ClassVar[tuple[str, ...]] = ("employees", "activities", "finance")

    date_format: str | None = None
    currency: str = "JPY"

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The rows of one file, whichever of the three it is."""
        layout, columns = recognise(sheet, (EMPLOYEES, ACTIVITIES, FINANCE))
        rows = layout.read(sheet, columns, self.zone, date_format=self.date_format, currency=self.currency)
        if layout is EMPLOYEES:
            rows["business_date"] = readable(rows["valid_from"])
            changed = _change_days(rows)
            rows["mail_pid"] = persons(rows["mail_pid"], "employee", "mail")
            rows["manager_pid"] = persons(rows["manager_pid"], "employee", "id", "hr")
        else:
            changed = readable(rows["occurred_on" if layout is ACTIVITIES else "month"])
            rows["business_date"] = changed
        if layout is not FINANCE:
            rows["employee_pid"] = persons(rows["employee_pid"], "employee", "id", "hr")
        rows["change_date"] = changed
        rows["updated_at"] = midnight(changed, self.zone)
        yield Frame(layout.table.name, rows)


def _change_days(rows: pd.DataFrame) -> pd.Series[Any]:
    """The day each state begins; for the newest state of a person who leaves, the day of leaving where that is later."""
    begins, leaves = readable(rows["valid_from"]), readable(rows["leave_date"])
    newest: dict[Any, date] = {}
    for person, begin in zip(rows["employee_pid"], begins, strict=True):
        if begin is not None:
            newest[person] = max(begin, newest.get(person, begin))
    days = [
        left if begin is not None and left is not None and left > begin == newest[person] else begin
        for person, begin, left in zip(rows["employee_pid"], begins, leaves, strict=True)
    ]
    return pd.Series(days, index=rows.index, dtype=object)
