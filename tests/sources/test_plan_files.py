"""Plan files: initiatives, their subjects and their targets; persons among the subjects leave as persons."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.plan import PlanFiles

INITIATIVES = (
    "施策コード,施策名,種類,対象,指標,目標値,開始日,終了日,費用,測定方法\n"
    'E1,上司との1on1,1on1,従業員,enps,１０,令和8年4月1日,R9.3.31,"¥300,000",差の差\n'
    "C1,レビューでポイント,レビュー特典,顧客,repeat_rate,0.4,2026/5/1,,,holdout\n"
)
SUBJECTS = (
    "施策コード,対象者,対象種別,群,開始日\n"
    "E1,営業本部 ／ 東京,組織,実施群,2026/4/1\n"
    "E1,０００７,社員,control,2026/4/1\n"
    "C1,42,顧客,treatment,2026/5/1\n"
    "C1,a@example.jp,customer,対照群,2026/5/1\n"
    "C1,our_brand,アカウント,treatment,2026/5/1\n"
)
TARGETS = "metric_code,unit,month,target_value\nenps,全社,2026-04,15\nenps,営業本部,2026/5/1,20%\n"


def read(folder: Path, **files: str) -> dict[str, pd.DataFrame]:
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(rows, encoding="utf-8")
    options: dict[str, Any] = {"name": "plan", "kind": "plan_files", "path": folder, "customer_scope": "shop_eccube"}
    connection = PlanFiles.model_validate(options)
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    return {frame.table: frame.rows for sheet in sheets for frame in connection.read(sheet)}


def test_an_initiative_without_a_design_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a.csv has no column 測定方法 "):
        read(tmp_path, a=INITIATIVES.replace("測定方法", "備考"))


def test_english_files_are_answered_in_english(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a.csv has no column month "):
        read(tmp_path, a=TARGETS.replace("month", "when"))


def test_a_customer_number_of_no_shop_is_refused_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SUBJECTS, encoding="utf-8")
    connection = PlanFiles.model_validate({"name": "plan", "kind": "plan_files", "path": tmp_path})
    (sheet,) = read_sheets(tmp_path / "a.csv")
    with pytest.raises(SourceError, match=r"a.csv row 4: a customer number needs customer_scope"):
        list(connection.read(sheet))


def test_a_subject_of_an_unknown_type_does_not_reach_the_disk(tmp_path: Path) -> None:
    rows = read(tmp_path, a=SUBJECTS.replace("顧客", "お客"))["initiative_subjects"]
    assert rows.loc[4, ["subject", "subject_type"]].tolist() == [None, "お客"]


def test_initiatives_with_japanese_words_and_writing(tmp_path: Path) -> None:
    first, second = read(tmp_path, a=INITIATIVES)["initiatives"].to_dict("records")
    assert (first["audience"], first["design"], first["kind"], first["target_value"]) == (
        "employee",
        "diff_in_diff",
        "one_on_one",
        10.0,
    )
    assert (first["start_date"], first["end_date"], first["cost"]) == (date(2026, 4, 1), date(2027, 3, 31), Decimal(300000))
    assert second["kind"] == "review_points"
    assert (second["end_date"], second["cost"], second["currency"], second["design"]) == (None, None, "JPY", "holdout")
    assert first["change_date"] == first["business_date"] == date(2026, 4, 1)
    assert first["updated_at"] == datetime(2026, 3, 31, 15, tzinfo=UTC)


def test_persons_among_the_subjects_are_persons_and_units_stay_text(tmp_path: Path) -> None:
    rows = read(tmp_path, a=SUBJECTS)["initiative_subjects"]
    assert rows["subject"].tolist() == [
        "営業本部/東京",
        Person("employee", "id", "0007", "hr"),
        Person("customer", "id", "42", "shop_eccube"),
        Person("customer", "mail", "a@example.jp"),
        "our_brand",
    ]
    assert rows["arm"].tolist() == ["treatment", "control", "treatment", "control", "treatment"]
    assert rows["subject_type"].tolist() == ["org_unit", "employee", "customer", "customer", "account"]


def test_targets_of_the_company_and_of_units(tmp_path: Path) -> None:
    rows = read(tmp_path, a=TARGETS)["targets"]
    assert rows["unit"].tolist() == ["all", "営業本部"]
    assert rows["month"].tolist() == rows["change_date"].tolist() == [date(2026, 4, 1), date(2026, 5, 1)]
    assert rows["target_value"].tolist() == [15.0, 0.2]


def test_a_start_that_cannot_be_read_is_bad_and_dates_nothing(tmp_path: Path) -> None:
    row = read(tmp_path, a=INITIATIVES.replace("2026/5/1", "春"))["initiatives"].loc[3]
    assert isinstance(row["start_date"], Bad)
    assert row["business_date"] is None


def test_the_files_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    frames = read(tmp_path, a=SUBJECTS, b=TARGETS, c=INITIATIVES)
    assert {table: len(rows) for table, rows in frames.items()} == {"initiative_subjects": 5, "targets": 2, "initiatives": 2}
