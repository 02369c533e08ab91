"""SurveyMonkey exports: two header rows, select-all questions spread over columns, grids, free text beside choices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.sources.connection import SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.survey import SurveyMonkeyCsv

SATISFIED = "How satisfied were you?"
HEARD = "Where did you hear of us? (Select all that apply.)"
RATE = "Please rate the following:"
OPTIONS: dict[str, Any] = {
    "name": "visitors",
    "kind": "surveymonkey_csv",
    "date_format": "%m/%d/%Y %I:%M:%S %p",
    "survey": {"id": "visit", "audience": "public", "mode": "anonymous"},
    "wave": {"every": "half"},
    "questions": {
        SATISFIED: {"code": "csat", "kind": "csat", "options": {"Very satisfied": 5, "Satisfied": 4}},
        HEARD: {"code": "heard", "kind": "multiple", "options": {"TV, radio": "broadcast", "Other (please specify)": "other"}},
        f"{RATE} [Staff]": {"code": "staff", "kind": "rating"},
        "Anything else?": {"code": "comment", "kind": "text"},
    },
}
HEADER = (
    f"Respondent ID,Collector ID,End Date,{SATISFIED},{HEARD},,,{RATE},,Anything else?\n"
    ',,,Response,"TV, radio",Friends,Other (please specify),Staff,Food,Open-Ended Response\n'
)
ROWS = (
    '11000000001,9,01/31/2026 11:59:59 PM,Very satisfied,"TV, radio",,a poster,4,2,caf\u00e9\n'
    "11000000002,9,07/01/2026 09:00:00 AM,Satisfied,,Friends,,5,,\n"
)


def read(folder: Path, rows: str, **changes: Any) -> dict[str, pd.DataFrame]:
    (folder / "export.csv").write_text(rows, encoding="utf-8")
    connection = SurveyMonkeyCsv.model_validate({**OPTIONS, "path": folder, **changes})
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    return {frame.table: frame.rows for sheet in sheets for frame in connection.read(sheet)}


def codes(answers: pd.DataFrame, question: str) -> list[str]:
    return answers[answers["question_code"] == question]["option_code"].tolist()


def test_a_question_that_is_not_in_the_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"export.csv has no column How satisfied are you\?"):
        read(tmp_path, HEADER + ROWS, questions={"How satisfied are you?": {"code": "csat", "kind": "csat"}})


def test_a_grid_must_be_told_by_its_row(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"spreads over 2 columns; name the one that is meant: .*\[Staff\], .*\[Food\]"):
        read(tmp_path, HEADER + ROWS, questions={RATE: {"code": "staff", "kind": "rating"}})


def test_a_file_of_one_header_row_and_no_responses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no second header row"):
        read(tmp_path, HEADER.splitlines()[0] + "\n")


def test_select_all_takes_the_option_from_the_second_row_and_keeps_no_free_text(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert codes(answers, "heard") == ["broadcast", "other", "Friends"]
    assert "poster" not in answers.to_string()


def test_select_all_exported_as_numbers_gives_the_same_options(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS.replace('"TV, radio"', "1").replace("Friends", "2"))["answers"]
    assert codes(answers, "heard") == ["broadcast", "other", "Friends"]


def test_one_row_of_a_grid_is_a_question(tmp_path: Path) -> None:
    assert codes(read(tmp_path, HEADER + ROWS)["answers"], "staff") == ["4", "5"]


def test_responses_begin_below_two_header_rows(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + ROWS)
    first = frames["answers"].iloc[0]
    assert (first.name, first["response_id"], first["option_code"]) == (3, "11000000001", "5")
    assert (first["answered_at"], first["wave"]) == (datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC), "2026H1")
    assert frames["answers"]["wave"].iloc[-1] == "2026H2"
    assert frames["questions"]["question_text"].tolist() == [SATISFIED, HEARD, f"{RATE} [Staff]", "Anything else?"]
    assert frames["answers"]["text_length"].dropna().tolist() == [4]
