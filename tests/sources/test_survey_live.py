"""Survey tools described by their entry alone: answers in fields, in lists and one by one; who was asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from vendors.base import Reply
from vendors.pages import read
from vendors.scripted import Server

from pipelines.sources.connection import Person, SourceError, Window
from pipelines.sources.survey.graphql import GraphqlSurvey
from pipelines.sources.survey.rest import RestSurvey

DAY = date(2026, 11, 26)
QUESTIONS = {
    "score": {"code": "nps", "kind": "nps"},
    "why": {"code": "why", "kind": "multiple", "options": {"味": "taste"}, "other": "other"},
    "note": {"code": "note", "kind": "text"},
}
COLUMNS = {"response_id": "id", "answered_at": "at", "respondent": "mail"}
FLAT: dict[str, Any] = {
    "id": 7, "at": "2026-11-26T01:00:00Z", "mail": "hanako@example.jp", "score": 9, "why": ["味", "新しい, 香り"], "note": "花子",
}  # fmt: skip


def survey(stream: dict[str, Any], url: str = "https://forms.example.com/", **options: Any) -> RestSurvey:
    entry = {
        "name": "forms", "kind": "rest", "url": url, "survey": {"id": "s", "audience": "customer", "mode": "identified"},
        "wave": {"every": "month"}, "respondent": {"as": "mail"}, "questions": QUESTIONS,
        "streams": {"answers": {"columns": COLUMNS, **stream}},
    }  # fmt: skip
    return RestSurvey.model_validate({**entry, **options})


def given(connection: RestSurvey | GraphqlSurvey, *records: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = read(connection, *records, stream="answers")["answers"]
    return sorted((row["response_id"], row["question_code"], row["option_code"], row["text_length"]) for row in rows)


NESTED = {"id": 7, "at": FLAT["at"], "mail": FLAT["mail"], "answers": [{"q": {"ref": key}, "v": FLAT[key]} for key in QUESTIONS]}
EXPECTED = [("7", "note", "text", 2), ("7", "nps", "9", None), ("7", "why", "other", None), ("7", "why", "taste", None)]


def test_answers_stand_in_fields_in_a_list_or_one_by_one() -> None:
    listed = {"each": "answers", "question": "q.ref", "value": "v"}
    assert given(survey({}), FLAT) == EXPECTED
    assert given(survey({"answers": listed}), NESTED) == EXPECTED
    # Several items with the same question are several choices.
    answers = [item for item in NESTED["answers"] if item["q"]["ref"] != "why"]
    several = {**NESTED, "answers": [*answers, *({"q": {"ref": "why"}, "v": one} for one in FLAT["why"])]}
    assert given(survey({"answers": listed}), several) == EXPECTED
    single = [{"id": 7, "at": FLAT["at"], "mail": FLAT["mail"], "q": key, "v": FLAT[key]} for key in QUESTIONS]
    connection = survey({"answers": {"question": "q", "value": "v"}})
    assert given(connection, *single) == EXPECTED
    assert not connection.streams["answers"].is_whole  # the answers of a response may stand on two pages


def test_the_survey_its_questions_and_its_respondents_come_along() -> None:
    made = read(survey({}), FLAT, stream="answers")
    assert [row["survey_id"] for row in made["surveys"]] == ["s"]
    assert {row["question_code"] for row in made["questions"]} == {"nps", "why", "note"}
    assert made["answers"][0]["respondent_pid"] == Person("customer", "mail", "hanako@example.jp", "")
    assert made["answers"][0]["wave"] == "2026-11"
    anonymous = survey({}, survey={"id": "s", "audience": "customer", "mode": "anonymous"})
    assert {row["respondent_pid"] for row in read(anonymous, FLAT, stream="answers")["answers"]} == {None}


def test_a_response_that_was_changed_later_changed_then() -> None:
    connection = survey({"columns": {**COLUMNS, "updated_at": {"path": "changed", "epoch": "s"}}})
    (row, *_) = read(connection, {**FLAT, "changed": 1795748400}, stream="answers")["answers"]
    assert row["updated_at"] == datetime(2026, 11, 27, 3, tzinfo=UTC)
    assert row["business_date"] == DAY


def test_those_who_were_asked_are_read_too() -> None:
    invited = {"table": "invitations", "columns": {"wave": "wave", "respondent": "mail", "invited_at": "sent"}}
    connection = survey({}, streams={"answers": {"columns": COLUMNS}, "invited": invited})
    (row,) = read(connection, {"wave": "2026-11", "mail": "a@example.jp", "sent": "2026-11-20T00:00:00Z"}, stream="invited")[
        "invitations"
    ]
    assert row["respondent_pid"] == Person("customer", "mail", "a@example.jp", "")
    assert row["invited_at"] == datetime(2026, 11, 20, tzinfo=UTC)


def test_only_responses_of_the_window_date_the_survey(server: Server) -> None:
    moments = ["2026-11-25T14:59:59Z", "2026-11-25T15:00:00Z", "2026-11-26T14:59:59Z", "2026-11-26T15:00:00Z", "no day"]
    server.replies(Reply([{**FLAT, "id": number, "at": moment} for number, moment in enumerate(moments)]))
    connection = survey({}, server.url)
    (page,) = connection.pages(server.api_of(connection), Window(DAY, DAY))
    assert [record["id"] for record in page.records] == [1, 2, 4]


def test_a_question_that_no_record_has_is_told() -> None:
    record = {name: value for name, value in FLAT.items() if name != "score"}
    with pytest.raises(SourceError, match="no record has score; correct the keys of `questions`"):
        read(survey({}), record, stream="answers")


@pytest.mark.parametrize(
    ("stream", "options", "why"),
    [
        ({"columns": {"response_id": "id"}}, {}, "answered_at is missing"),
        ({"columns": {**COLUMNS, "mood": "x"}}, {}, "columns cannot hold mood"),
        ({"table": "questions"}, {}, "answers"),
        ({"rows": {"x": {"each": "y", "columns": {"z": "z"}}}}, {}, "rows are for shops"),
        ({}, {"wave": {"column": "wave"}}, "wave is missing"),
    ],
)
def test_a_stream_that_cannot_work_is_refused(stream: dict[str, Any], options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        survey(stream, **options)


def test_a_graphql_survey_reads_the_same_rows() -> None:
    connection = GraphqlSurvey.model_validate(
        {"name": "forms", "kind": "graphql", "url": "https://forms.example.com/graphql", "wave": {"every": "month"},
         "survey": {"id": "s", "audience": "customer", "mode": "identified"}, "respondent": {"as": "mail"},
         "questions": QUESTIONS,
         "streams": {"answers": {"query": "{ answers { id } }", "records": "answers", "columns": COLUMNS}}}
    )  # fmt: skip
    assert given(connection, FLAT) == EXPECTED
