"""Qualtrics exports: three header rows, previews and unfinished responses among the rows, codes with gaps, repeated names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.survey import QualtricsCsv

OPTIONS: dict[str, Any] = {
    "name": "customer_nps",
    "kind": "qualtrics_csv",
    "survey": {"id": "cust", "audience": "customer", "mode": "identified"},
    "wave": {"every": "month"},
    "respondent": {"column": "RecipientEmail", "as": "mail"},
    "questions": {
        "Q1": {"code": "nps", "kind": "nps"},
        "Q2": {"code": "ease", "kind": "ces", "options": {1: 1, 2: 2, 3: 3, 6: 4, 7: 5}},
        "Q3": {"code": "channel", "kind": "multiple", "options": {"1": "shop", "2": "web", "6": "app"}},
        "Q5": {"code": "staff", "kind": "rating"},
        "Q5.1": {"code": "goods", "kind": "rating"},
    },
}
HEADER = (
    "StartDate,RecordedDate,Status,Finished,ResponseId,RecipientEmail,Q1,Q2,Q3,Q5,Q5\n"
    'Start Date,Recorded Date,Response Type,Finished,Response ID,Recipient Email,"How likely, really?",Ease,Ways,Staff,Goods\n'
    + ",".join(f'"{{""ImportId"":""{name}""}}"' for name in "abcdefghijk")
    + "\n"
)
ROWS = (
    '2026-01-31 23:50:00,2026-01-31 23:59:59,IP Address,True,R_1,A@example.jp,10,7,"1,6",4,5\n'
    "2026-01-31 10:00:00,2026-01-31 10:01:00,Survey Preview,True,R_2,,0,1,1,1,1\n"
    "2026-01-31 11:00:00,2026-01-31 11:01:00,0,1,R_3,b@example.jp,6,6,2,3,\n"
    "2026-01-31 11:00:00,2026-01-31 11:01:00,8,1,R_4,b@example.jp,6,6,2,3,3\n"
    "2026-02-01 11:00:00,2026-02-01 11:01:00,IP Address,False,R_5,c@example.jp,9,,,,\n"
)


def read(folder: Path, rows: str, **changes: Any) -> dict[str, pd.DataFrame]:
    (folder / "export.csv").write_text(rows, encoding="utf-8-sig")
    connection = QualtricsCsv.model_validate({**OPTIONS, "path": folder, **changes})
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    return {frame.table: frame.rows for sheet in sheets for frame in connection.read(sheet)}


def test_an_export_without_its_three_header_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export.csv row 3 has no ImportId"):
        read(tmp_path, HEADER.splitlines()[0] + "\n" + ROWS)


def test_a_state_of_completion_that_cannot_be_read_is_refused_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export.csv row 4: Finished 'Yep' is neither True nor False"):
        read(tmp_path, HEADER + ROWS.replace("IP Address,True", "IP Address,Yep"))


def test_a_code_that_no_option_explains_is_bad(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS.replace("R_3,b@example.jp,6,6", "R_3,b@example.jp,6,5.7E+17"))["answers"]
    ease = answers.query("response_id == 'R_3' and question_code == 'ease'").iloc[0]
    assert isinstance(ease["numeric_value"], Bad)
    assert (ease["numeric_value"].column, ease["numeric_value"].raw) == ("Q2", "5.7E+17")


def test_previews_spam_and_unfinished_responses_are_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + ROWS)["answers"]["response_id"].unique().tolist() == ["R_1", "R_3"]


def test_unfinished_responses_count_when_wanted(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS, include_partial=True)["answers"]
    assert answers["response_id"].unique().tolist() == ["R_1", "R_3", "R_5"]


def test_codes_with_gaps_become_the_points_of_the_scale(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert answers.query("question_code == 'ease'")["option_code"].tolist() == ["5", "4"]


def test_choices_joined_by_a_bare_comma_are_told_apart(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert answers.query("question_code == 'channel'")["option_code"].tolist() == ["shop", "app", "web"]


def test_the_second_of_two_columns_with_one_name_has_a_suffix(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + ROWS)
    goods = frames["answers"].query("question_code == 'goods'")
    assert goods[["response_id", "option_code"]].to_numpy().tolist() == [["R_1", "5"]]
    assert frames["questions"]["question_text"].tolist() == ["How likely, really?", "Ease", "Ways", "Staff", "Goods"]


def test_respondent_row_and_instant(tmp_path: Path) -> None:
    first = read(tmp_path, HEADER + ROWS)["answers"].iloc[0]
    assert first.name == 4  # below three header rows
    assert first["respondent_pid"] == Person("customer", "mail", "A@example.jp")
    assert (first["answered_at"], first["wave"]) == (datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC), "2026-01")


def test_an_invitation_list_of_one_row_is_not_taken_for_header_rows(tmp_path: Path) -> None:
    (tmp_path / "invited.csv").write_text("wave,respondent,invited_at\n2026-01,b@example.jp,2026-01-30 09:00\n", encoding="utf-8")
    invited = read(tmp_path, HEADER + ROWS, invitations="invited.csv")["invitations"]
    assert invited["respondent_pid"].tolist() == [Person("customer", "mail", "b@example.jp")]
    assert invited["org_unit"].tolist() == [None]
