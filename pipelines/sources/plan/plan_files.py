"""The plan: the initiatives (施策), who or what is in which arm of them, and the targets they serve.

Data flow: <folder>/*.csv or *.xlsx, told apart by their headers, Japanese or English (a worksheet counts as a file)
  施策コード/code, 施策名/name, 種類/kind, 対象/audience, 指標/metric_code, 目標値/target_value, 開始日/start_date,
    終了日/end_date, 費用/cost, 通貨/currency, 測定方法/design -> plan.initiatives
  施策コード/code, 対象者/subject, 対象種別/subject_type, 群/arm, 開始日/start_date -> plan.initiative_subjects
  指標/metric_code, 部門/unit, 年月/month, 目標値/target_value -> plan.targets

Quirks: plans are edited in place, so a newer file replaces what an older one said of the same initiative and start day. A subject
who is a person lands as a pseudonym: employees by number, customers by number (of the shop connection `customer_scope`) or, when
it holds an @, by mail address. Business units and accounts stay text.

    plan:
      source: plan
      kind: plan_files
      path: data_samples/plan
      customer_scope: shop_eccube
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from pipelines.sources.connection import Bad, FileConnection, Frame, Person, Sheet, SourceError
from pipelines.sources.contract import table
from pipelines.sources.layouts import Layout, midnight, readable, recognise, unit_path
from pipelines.sources.schema import KeyClass

INITIATIVES = Layout(
    table("plan", "initiatives"),
    {
        "code": ("施策コード", "code"),
        "name": ("施策名", "name"),
        "kind": ("種類", "kind"),
        "audience": ("対象", "audience"),
        "metric_code": ("指標", "metric_code"),
        "target_value": ("目標値", "target_value"),
        "start_date": ("開始日", "start_date"),
        "end_date": ("終了日", "end_date"),
        "cost": ("費用", "cost"),
        "currency": ("通貨", "currency"),
        "design": ("測定方法", "design"),
    },
    optional=frozenset({"target_value", "end_date", "cost", "currency"}),
    words={
        "kind": {
            "1on1": "one_on_one",
            "キャリア支援": "career_programme",
            "理念浸透": "values",
            "評価の透明化": "transparent_appraisal",
            "研修": "training",
            "改善提案の報奨": "suggestion_reward",
            "レビュー特典": "review_points",
            "投稿特典": "post_coupon",
            "クーポン": "coupon",
            "コミュニティイベント": "community_event",
            "パーソナライズ": "personalisation",
            "返信の迅速化": "faster_replies",
            "その他": "other",
        },
        "audience": {"従業員": "employee", "社員": "employee", "顧客": "customer"},
        "design": {
            "ホールドアウト": "holdout",
            "段階導入": "staggered",
            "差の差": "diff_in_diff",
            "前後比較": "before_after",
        },
    },
)
SUBJECTS = Layout(
    table("plan", "initiative_subjects"),
    {
        "code": ("施策コード", "code"),
        "subject": ("対象者", "subject"),
        "subject_type": ("対象種別", "subject_type"),
        "arm": ("群", "arm"),
        "start_date": ("開始日", "start_date"),
    },
    words={
        "subject_type": {
            "顧客": "customer",
            "従業員": "employee",
            "社員": "employee",
            "組織": "org_unit",
            "アカウント": "account",
        },
        "arm": {"実施群": "treatment", "対照群": "control"},
    },
)
TARGETS = Layout(
    table("plan", "targets"),
    {
        "metric_code": ("指標", "metric_code"),
        "unit": ("部門", "unit"),
        "month": ("年月", "month"),
        "target_value": ("目標値", "target_value"),
    },
    words={"unit": {"全社": "all"}},
)
DAY_COLUMN = {"initiatives": "start_date", "initiative_subjects": "start_date", "targets": "month"}
PERSONS: dict[str, KeyClass] = {"customer": "customer", "employee": "employee"}


class PlanFiles(FileConnection):
    """A folder of plan files. `customer_scope` is the shop whose customer numbers the subjects are."""

    source: ClassVar[str] = "plan"
    tables: ClassVar[tuple[str, ...]] = ("initiatives", "initiative_subjects", "targets")
    rows_stand_alone: ClassVar[bool] = True

    date_format: str | None = None
    currency: str = "JPY"
    customer_scope: str | None = None

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The rows of one file, whichever of the three it is; each belongs to the day it begins."""
        layout, columns = recognise(sheet, (INITIATIVES, SUBJECTS, TARGETS))
        rows = layout.read(sheet, columns, self.zone, date_format=self.date_format, currency=self.currency)
        if layout is SUBJECTS:
            rows["subject"] = self._subjects(sheet.file, rows)
        begins = readable(rows[DAY_COLUMN[layout.table.name]])
        rows = rows.assign(change_date=begins, business_date=begins, updated_at=midnight(begins, self.zone))
        yield Frame(layout.table.name, rows)

    def _subjects(self, file: str, rows: pd.DataFrame) -> pd.Series[Any]:
        subjects = [self._subject(file, *row) for row in zip(rows.index, rows["subject"], rows["subject_type"], strict=True)]
        return pd.Series(subjects, index=rows.index, dtype=object)

    def _subject(self, file: str, row: int, subject: str | Bad | None, subject_type: str | None) -> str | Bad | Person | None:
        if subject_type == "account" or not isinstance(subject, str):
            return subject
        if subject_type == "org_unit":
            return unit_path(subject)
        key = PERSONS.get(subject_type or "")
        if key is None:
            return None  # of an unknown type: it may be a person, so it must not reach the disk; the door names the type
        if "@" in subject:
            return Person(key, "mail", subject)
        if key == "employee":
            return Person(key, "id", subject, "hr")
        if self.customer_scope is None:
            raise SourceError(f"{file} row {row}: a customer number needs customer_scope: the name of the shop's connection")
        return Person(key, "id", subject, self.customer_scope)
