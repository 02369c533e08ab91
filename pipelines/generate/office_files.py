"""The files of the HR and planning departments."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.generate import vocabulary as words
from pipelines.generate.files import write_csv, write_xlsx
from pipelines.generate.loyalty import ReviewDrive
from pipelines.generate.shops import Campaign, Period
from pipelines.generate.staff import Employee, Staff, months

EMPLOYEE_COLUMNS = ("社員番号", "メール", "上司社員番号", "所属", "適用日", "入社日", "退職日", "退職理由", "雇用形態")
INITIATIVE_COLUMNS = ("施策コード", "施策名", "種類", "対象", "指標", "目標値", "開始日", "終了日", "費用", "通貨", "測定方法")


def employee_row(person: Employee, place: int) -> list[Any]:
    """One recorded state of one employee; nobody's name is exported."""
    state = person.states[place]
    left = state.since if state.left else None
    mail = f"e{person.number}@minamo.example.jp"
    return [person.number, mail, state.manager, state.unit, state.since, person.hired, left, state.left, person.employment]


def write_hr(folder: Path, staff: Staff, period: Period, scale: float, rng: np.random.Generator) -> None:
    """Employees with their changes, activities, monthly finance (a workbook)."""
    states = sorted((s.since, e.number, e, n) for e in staff.employees for n, s in enumerate(e.states))
    rows = (employee_row(person, place) for _, _, person, place in states)
    write_csv(folder / "employees.csv", EMPLOYEE_COLUMNS, rows, encoding="cp932", end="\r\n")
    activities = (
        [f"A{n:05d}", a.employee.number, a.kind, a.day, a.hours, {True: "採用", False: "不採用", None: None}[a.adopted]]
        for n, a in enumerate(staff.activities, start=1)
    )
    header = ("活動ID", "社員番号", "種類", "実施日", "時間", "採用")
    write_csv(folder / "activities.csv", header, activities, encoding="utf-8-sig", end="\r\n")
    finance = finance_rows(period, scale, rng)
    write_xlsx(folder / "finance.xlsx", ("事業部", "年月", "科目", "金額", "通貨"), finance)


def finance_rows(period: Period, scale: float, rng: np.random.Generator) -> list[list[Any]]:
    """Monthly figures per business unit; the margin follows the mean engagement of its people."""
    rows: list[list[Any]] = []
    names = dict.fromkeys(unit.path.split("/")[0] for unit in words.UNITS)
    for month in months(period):
        for name in names:
            units = [unit for unit in words.UNITS if unit.path.startswith(f"{name}/")]
            people = sum(unit.people for unit in units) * max(scale, 0.1)
            mood = sum(unit.engagement * unit.people for unit in units) / sum(unit.people for unit in units)
            sales = int(people * 1_150_000 * words.MONTH_DEMAND[month.month - 1] * rng.uniform(0.95, 1.05)) // 1000 * 1000
            profit = int(sales * (0.06 + 0.03 * mood + rng.normal(0, 0.008))) // 1000 * 1000
            figures = {
                "売上高": sales,
                "営業利益": profit,
                "人件費": int(people * 420_000) // 1000 * 1000,
                "研修費": int(people * 6_500) // 100 * 100,
            }
            rows += [[name, month, account, amount, "JPY"] for account, amount in figures.items()]
    return rows


def initiative_rows(campaign: Campaign, drive: ReviewDrive, staff: Staff, faster_from: date, period: Period) -> list[list[Any]]:
    """The company's initiatives, at least one for each design."""
    first_reward = min(staff.reward_starts.values())
    return [
        [
            "CPN-01",
            "会員向けクーポンメール",
            "クーポン",
            "customer",
            "orders_per_customer",
            0.9,
            campaign.first,
            campaign.last,
            180000,
            "JPY",
            "holdout",
        ],
        [
            "ONE-01",
            "月次1on1の導入",
            "1on1",
            "employee",
            "communication",
            70,
            staff.one_on_one_start,
            period.last,
            900000,
            "JPY",
            "diff_in_diff",
        ],
        [
            "SUG-01",
            "改善提案の報奨",
            "改善提案の報奨",
            "employee",
            "suggestions_per_person",
            0.1,
            first_reward,
            period.last,
            600000,
            "JPY",
            "staggered",
        ],
        [
            "RPL-01",
            "SNS返信の当番制",
            "返信の迅速化",
            "customer",
            "first_reply_minutes",
            60,
            faster_from,
            period.last,
            240000,
            "JPY",
            "before_after",
        ],
        [
            "CAR-01",
            "キャリア面談と社内公募",
            "キャリア支援",
            "employee",
            "growth",
            65,
            staff.career_start,
            period.last,
            800000,
            "JPY",
            "diff_in_diff",
        ],
        [
            "VAL-01",
            "理念ワークショップ",
            "理念浸透",
            "employee",
            "values",
            80,
            staff.values_start,
            period.last,
            500000,
            "JPY",
            "diff_in_diff",
        ],
        [
            "PTS-01",
            "レビューで50ポイント",
            "レビュー特典",
            "customer",
            "reviews_per_customer",
            0.2,
            drive.first,
            drive.last,
            60000,
            "JPY",
            "holdout",
        ],
    ]


def write_plan(folder: Path, campaign: Campaign, drive: ReviewDrive, staff: Staff, faster_from: date, period: Period) -> None:
    """Initiatives, who is in which arm, targets by month."""
    write_csv(folder / "initiatives.csv", INITIATIVE_COLUMNS, initiative_rows(campaign, drive, staff, faster_from, period))
    subjects: list[list[Any]] = [["CPN-01", b.member, "customer", b.arm, campaign.first] for b in campaign.subjects]
    for code, treated, start in (
        ("ONE-01", words.ONE_ON_ONE_UNITS, staff.one_on_one_start),
        ("CAR-01", words.CAREER_UNITS, staff.career_start),
        ("VAL-01", words.VALUES_UNITS, staff.values_start),
    ):
        for unit in words.UNITS:
            subjects.append([code, unit.path, "org_unit", "treatment" if unit.path in treated else "control", start])
    subjects += [["SUG-01", name, "org_unit", "treatment", start] for name, start in staff.reward_starts.items()]
    subjects.append(["RPL-01", "minamo_chaka", "account", "treatment", faster_from])
    subjects += [["PTS-01", member, "customer", arm, drive.first] for member, arm in drive.arms.items()]
    write_csv(folder / "initiative_subjects.csv", ("施策コード", "対象者", "対象種別", "群", "開始日"), subjects)
    targets = [
        [metric, unit, month, value]
        for month in months(period)
        for metric, values in _TARGETS.items()
        for unit, value in values.items()
    ]
    write_csv(folder / "targets.csv", ("指標", "部門", "年月", "目標値"), targets)


_TARGETS: dict[str, dict[str, float]] = {
    "nps": {"all": 30},
    "repeat_rate": {"all": 0.5},
    "enps": {"all": -20, "製造事業部": -25, "営業本部": -20, "EC事業部": -10, "管理本部": -10},
    "voluntary_turnover_rate": {"all": 0.08},
}
