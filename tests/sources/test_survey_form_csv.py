"""Web forms: layouts of Google Forms, answers in words, several choices in one cell, and a survey whose results are published."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from pipelines.sources.connection import Bad, Person, SourceError
from pipelines.sources.files import drop_files, read_sheets
from pipelines.sources.survey import FormCsv

REAL = Path(os.environ.get("ENGAGEMENT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "survey_weighted"

RECOMMEND = "この会社を知人に\n勧めたいと思いますか"  # a question of two lines, as forms export it
OPTIONS: dict[str, Any] = {
    "name": "pulse",
    "kind": "form_csv",
    "survey": {"id": "pulse", "title": "パルス調査", "audience": "employee", "mode": "confidential"},
    "wave": {"every": "quarter"},
    "answered_at": "タイムスタンプ",
    "respondent": {"column": "社員番号", "as": "id"},
    "org_unit": "所属",
    "missing": ["NA"],
    "questions": {
        "この会社を知人に 勧めたいと思いますか": {"code": "enps", "kind": "nps"},
        "目標に共感している": {
            "code": "goals",
            "kind": "rating",
            "driver": "identification",
            "options": {"そう思う": 5, "そう思わない": 1},
        },
        "辞めたいと思う": {"code": "stay", "kind": "rating", "reversed": True},
        "利用した制度": {
            "code": "used",
            "kind": "multiple",
            "options": {"研修, 社内": "training", "1on1": "one_on_one"},
            "other": "other",
        },
        "年代": {"code": "age", "kind": "segment"},
        "ご意見": {"code": "comment", "kind": "text"},
    },
}
HEADER = f'タイムスタンプ,社員番号,所属,"{RECOMMEND}",目標に共感している,辞めたいと思う,利用した制度,年代,ご意見\r\n'
ROWS = (
    '2026/01/31 午後 11:59:59 GMT+9,０００７,営業本部 ／ 東京,１０,そう思う,2,"研修, 社内, 1on1",30代,髙橋①です\r\n'
    "2026/01/31 午後 11:59:59 GMT+9,0008,営業本部/東京,3,4,5,囲碁の会,40代,\r\n"
    "2026/04/01 午前 0:00:00 GMT+9,0009,開発本部,NA,そう思わない,NA,NA,NA,NA\r\n"
)


def read(folder: Path, rows: str, encoding: str = "cp932", file: str = "回答.csv", **changes: Any) -> dict[str, pd.DataFrame]:
    (folder / file).write_bytes(rows.encode(encoding))
    connection = FormCsv.model_validate({**OPTIONS, "path": folder, **changes})
    sheets = [sheet for path in drop_files(folder) for sheet in read_sheets(path, **connection.read_options())]
    return {frame.table: frame.rows for sheet in sheets for frame in connection.read(sheet)}


def chosen(answers: pd.DataFrame, question: str) -> list[tuple[int, Any]]:
    rows = answers[answers["question_code"] == question]
    return list(zip(rows.index.tolist(), rows["option_code"], strict=True))


def test_a_question_the_export_lost_is_named_with_the_nearest_header(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"回答.csv has no column 目標に共感している .*did you mean 目標に共感して") as error:
        read(tmp_path, HEADER.replace("目標に共感している", "目標に共感して") + ROWS)
    assert "\n" not in str(error.value)  # though a header of the file is two lines long


def test_a_rating_in_unknown_words_is_bad_not_guessed_and_not_dropped(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS.replace("そう思わない", "まあまあ"))["answers"]
    cell = answers.loc[4]
    assert cell["numeric_value"] == Bad("目標に共感している", "まあまあ", "neither a number nor one of the question's options")
    assert cell["option_code"] is None


def test_a_score_outside_its_scale_is_bad(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS.replace(",3,4,5,", ",11,4,5,"))["answers"]
    assert answers.loc[3, "numeric_value"].iloc[0].why == "outside the scale 0 to 10; correct scale or options"


def test_an_unreadable_timestamp_is_told_once_and_dates_nothing(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS.replace("2026/04/01 午前 0:00:00 GMT+9", "先週"))["answers"]
    row = answers.loc[4]
    assert row["answered_at"].raw == "先週"
    assert (row["updated_at"], row["business_date"], row["wave"]) == (None, None, None)


def test_google_forms_in_cp932_with_afternoon_timestamps(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    first = answers.loc[2].iloc[0]
    assert first["answered_at"] == first["updated_at"] == datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC)
    assert (first["business_date"], first["wave"]) == (date(2026, 1, 31), "2026Q1")
    assert first["respondent_pid"] == Person("employee", "id", "0007", "hr")
    assert (first["org_unit"], first["weight"], first["survey_id"]) == ("営業本部/東京", 1.0, "pulse")
    assert answers.loc[4, "wave"] == "2026Q2"


def test_responses_of_the_same_second_stay_apart(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert answers.loc[[2, 3], "response_id"].unique().tolist() == [
        "2026/01/31 午後 11:59:59 GMT+9-1",
        "2026/01/31 午後 11:59:59 GMT+9-2",
    ]


def test_numbers_and_words_become_scores_and_codes(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert chosen(answers, "enps") == [(2, "10"), (3, "3")]
    assert chosen(answers, "goals") == [(2, "5"), (3, "4"), (4, "1")]
    assert answers.query("question_code == 'goals'")["numeric_value"].tolist() == [5.0, 4.0, 1.0]


def test_a_reversed_item_is_marked_and_not_turned(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + ROWS)
    assert frames["answers"].query("question_code == 'stay'")["numeric_value"].tolist() == [2.0, 5.0]
    questions = frames["questions"].set_index("question_code")
    assert questions["is_reversed"].tolist() == [False, False, True, False, False, False]


def test_several_choices_are_several_rows_and_a_choice_with_a_comma_is_one(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert chosen(answers, "used") == [(2, "training"), (2, "one_on_one"), (3, "other")]


def test_missing_answers_give_no_row(tmp_path: Path) -> None:
    answers = read(tmp_path, HEADER + ROWS)["answers"]
    assert answers.loc[[4], "question_code"].tolist() == ["goals"]


def test_of_a_free_text_only_the_length_lands(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + ROWS)
    comment = frames["answers"].query("question_code == 'comment'").iloc[0]
    assert (comment["option_code"], comment["text_length"], comment["numeric_value"]) == ("text", 5, None)
    assert not any("髙橋" in rows.to_string() or "囲碁" in rows.to_string() for rows in frames.values())


def test_an_anonymous_survey_lands_no_respondent_even_from_a_file_that_names_them(tmp_path: Path) -> None:
    survey = {**OPTIONS["survey"], "mode": "anonymous"}
    answers = read(tmp_path, HEADER + ROWS, survey=survey)["answers"]
    assert set(answers["respondent_pid"]) == {None}


def test_survey_and_questions_are_dated_by_the_answers(tmp_path: Path) -> None:
    frames = read(tmp_path, HEADER + ROWS)
    survey = frames["surveys"].iloc[0]
    assert (survey["change_date"], survey["business_date"]) == (date(2026, 1, 31), date(2026, 4, 1))
    assert survey["updated_at"] == datetime(2026, 3, 31, 15, tzinfo=UTC)
    assert (survey["survey_id"], survey["min_n"], survey["promoter_min"], survey["valid_days"]) == ("pulse", 5, 9, 100)
    enps, goals, *_, comment = frames["questions"].to_dict("records")
    assert (enps["question_text"], enps["scale_min"], enps["scale_max"], enps["favourable_min"]) == (RECOMMEND, 0, 10, None)
    assert (goals["driver"], goals["scale_max"], goals["favourable_min"], goals["position"]) == ("identification", 5, 4.0, 2)
    assert (comment["scale_min"], comment["change_date"]) == (None, date(2026, 1, 31))


def test_a_token_of_an_answer_is_the_one_of_the_invitation(tmp_path: Path) -> None:
    """The token leads from the answer to the list, the list to the person; neither shows the other's identifier."""
    (tmp_path / "招待者.csv").write_bytes("回,回答者,招待日時,トークン\r\n2026Q1,７,2026/1/20 9:00,0007\r\n".encode("cp932"))
    respondent = {"column": "社員番号", "as": "token", "invited_as": "id"}
    landed = read(tmp_path, HEADER + ROWS, invitations="招待者.csv", respondent=respondent)
    token = Person("employee", "id", "0007", "token:pulse:2026Q1")  # a later wave may give 0007 to somebody else
    assert landed["invitations"].iloc[0]["respondent_pid"] == Person("employee", "id", "7", "hr")
    assert landed["invitations"].iloc[0]["token_pid"] == token
    assert landed["answers"].iloc[0]["respondent_pid"] == token


def test_an_export_without_responses_lands_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER) == {}


def test_the_list_of_invitations_lies_beside_the_answers(tmp_path: Path) -> None:
    (tmp_path / "招待者.csv").write_bytes("回,回答者,招待日時,所属\r\n2026Q1,７,2026/1/20 9:00,営業本部\r\n".encode("cp932"))
    invited = read(tmp_path, HEADER + ROWS, invitations="招待者.csv")["invitations"].iloc[0]
    assert invited["respondent_pid"] == Person("employee", "id", "7", "hr")
    assert invited["invited_at"] == invited["updated_at"] == datetime(2026, 1, 20, tzinfo=UTC)
    assert (invited["wave"], invited["org_unit"], invited["business_date"]) == ("2026Q1", "営業本部", date(2026, 1, 20))


@pytest.mark.parametrize(
    ("wave", "expected"),
    [
        ({"every": "month"}, ["2026-01", "2026-04"]),
        ({"every": "half"}, ["2026H1", "2026H1"]),
        ({"every": "year"}, ["2026", "2026"]),
        ({"fixed": 2026}, ["2026", "2026"]),
        ({"column": "年代"}, ["30代", None]),
    ],
)
def test_a_wave_is_a_period_a_column_or_fixed(tmp_path: Path, wave: dict[str, Any], expected: list[str | None]) -> None:
    answers = read(tmp_path, HEADER + ROWS, wave=wave)["answers"]
    assert [answers.loc[[row], "wave"].iloc[0] for row in (2, 4)] == expected


@pytest.mark.parametrize(
    ("audience", "respondent", "expected"),
    [
        ("employee", {"column": "ご意見", "as": "mail"}, Person("employee", "mail", "a@example.jp")),
        ("customer", {"column": "ご意見", "as": "mail"}, Person("customer", "mail", "a@example.jp")),
        (
            "customer",
            {"column": "ご意見", "as": "id", "scope": "shop_eccube"},
            Person("customer", "id", "a@example.jp", "shop_eccube"),
        ),
    ],
)
def test_respondents_meet_their_hr_record_or_their_orders(
    tmp_path: Path, audience: str, respondent: dict[str, str], expected: Person
) -> None:
    survey = {**OPTIONS["survey"], "audience": audience}
    rows = HEADER + ROWS.replace("髙橋①です", "a@example.jp")
    assert read(tmp_path, rows, survey=survey, respondent=respondent)["answers"].iloc[0]["respondent_pid"] == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wave": {"every": "month", "fixed": "1"}}, "give exactly one of every, column, fixed"),
        ({"questions": {}}, "at least 1 item"),
        (
            {"questions": {"a": {"code": "x", "kind": "nps"}, "b": {"code": "x", "kind": "nps"}}},
            "code 'x' is given to 'a' and 'b'",
        ),
        ({"questions": {"a": {"code": "x", "kind": "single", "options": {True: "y"}}}}, "write it in quotes"),
        ({"questions": {"a": {"code": "x", "kind": "single", "reversed": True}}}, "this one is single"),
        ({"questions": {"a": {"code": "x", "kind": "nps", "other": "y"}}}, "other belongs to"),
        ({"questions": {"a": {"code": "x", "kind": "single", "other": "y"}}}, "other needs options"),
        ({"questions": {"a": {"code": "x", "kind": "text", "options": {"b": "c"}}}}, "a text question has no options"),
        ({"questions": {"a": {"code": "x", "kind": "single", "separator": ";"}}}, "separator belongs to multiple"),
        ({"questions": {"a": {"code": "x", "kind": "rating", "scale": [5, 1]}}}, "scale must rise"),
        ({"questions": {"a": {"code": "x", "kind": "csat", "scale": [1, 7]}}}, "on a scale of 1 to 7 needs favourable_min"),
        (
            {"questions": {"a": {"code": "x", "kind": "rating", "favourable_min": 6}}},
            "favourable_min 6 lies outside the scale 1 to 5",
        ),
        (
            {"questions": {"a": {"code": "x", "kind": "rating", "unfavourable_max": 0}}},
            "unfavourable_max 0 lies outside the scale 1 to 5",
        ),
        ({"questions": {"a": {"code": "x", "kind": "rating", "unfavourable_max": 4}}}, "needs a favourable_min above it"),
        (
            {"questions": {"a": {"code": "x", "kind": "rating", "scale": [1, 7], "unfavourable_max": 2}}},
            "needs a favourable_min above it",
        ),
        ({"questions": {"a": {"code": "x", "kind": "text", "unfavourable_max": 2}}}, "this one is text"),
        (
            {"questions": {"a": {"code": "x", "kind": "rating", "options": {"b": "c"}}}},
            "'b' of a rating question must stand for a number",
        ),
        ({"questions": {"a": {"code": "x", "kind": "rating", "options": {"b": 6}}}}, "'b' = 6 lies outside the scale 1 to 5"),
        ({"questions": {"a": {"code": "x", "kind": "rating", "weight": 6}}}, "Extra inputs are not permitted"),
        ({"survey": {**OPTIONS["survey"], "promoter_min": 6}}, "detractor_max 6 must lie below promoter_min 6"),
        ({"survey": {**OPTIONS["survey"], "audience": "public"}}, "a survey of the public knows no respondents"),
        ({"survey": {**OPTIONS["survey"], "audience": "customer"}}, "respondent.scope names the shop"),
        ({"respondent": {"column": "a", "as": "id", "scope": "shop"}}, "scope of an employee survey is hr"),
        ({"respondent": {"as": "id"}}, "respondent.column is missing"),
        ({"respondent": None, "invitations": "a.csv"}, "invitations needs respondent"),
        ({"respondent": {"column": "社員番号", "as": "token", "invited_as": "id"}}, "a token needs invitations"),
        ({"respondent": {"column": "社員番号", "as": "token"}, "invitations": "a.csv"}, "invited_as belongs to"),
    ],
)
def test_a_wrong_option_is_explained(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FormCsv.model_validate({**OPTIONS, "path": Path("answers"), **changes})


@pytest.mark.skipif(not REAL.exists(), reason="the published survey data is not here (ENGAGEMENT_REAL_DATA)")
def test_weighted_shares_equal_the_table_the_authors_published() -> None:
    segments = {"age3": range(1, 4), "race2": range(4, 6), "kids": range(6, 8), "orientation": range(8, 10)}
    connection = FormCsv.model_validate(
        {
            "name": "masculinity",
            "kind": "form_csv",
            "path": REAL / "raw-responses.csv",
            "time_zone": "America/New_York",
            "survey": {"id": "masculinity", "audience": "public", "mode": "anonymous", "min_n": 100},
            "wave": {"fixed": "2018-05"},
            "response_id": "",  # the header of the first column is blank
            "answered_at": "EndDate",
            "date_format": "%m/%d/%y %H:%M",
            "weight": "weight",
            "missing": ["NA"],
            "questions": {
                **{code: {"code": code, "kind": "single"} for code in ("q0001", "q0002", "q0005")},
                **{code: {"code": code, "kind": "segment"} for code in segments},
            },
        }
    )
    (sheet,) = read_sheets(connection.path)
    answers = {frame.table: frame.rows for frame in connection.read(sheet)}["answers"]
    assert answers["response_id"].nunique() == 1615
    assert answers.query("question_code == 'kids'").shape[0] == 1615 - 9  # nine are NA

    published = pd.read_csv(REAL / "published_toplines.csv", header=None, skiprows=1, dtype=str, keep_default_na=False)
    names = published.iloc[0].tolist()[2:]
    groups = {place: (code, names[place]) for code, places in segments.items() for place in places}
    titles = {"In general": "q0001", "How important is it to you": "q0002", "Do you think that society": "q0005"}
    chosen_by = answers.pivot(index="response_id", columns="question_code", values="option_code")
    weights = answers.groupby("response_id")["weight"].first().astype(float)
    checked, question = 0, None
    for cells in published[1:].itertuples(index=False):
        if cells[0]:
            question = next((code for start, code in titles.items() if cells[0].startswith(start)), None)
        elif question is not None:
            for place in range(10):
                members = chosen_by.index if place == 0 else chosen_by.index[chosen_by[groups[place][0]] == groups[place][1]]
                weight = weights[members]
                share = weight[chosen_by.loc[members, question] == cells[1]].sum() / weight.sum()
                assert f"{share:.0%}" == cells[2 + place], (question, cells[1], place)
                checked += 1
    assert checked == 130
