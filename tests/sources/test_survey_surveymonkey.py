"""SurveyMonkey's API beyond what the conformance suite asks of every kind: numbers that stand for texts."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from test_live_conformance import NOON, Night, night
from vendors.base import Reply, Request
from vendors.surveymonkey import DETAILS, Bulk

from pipelines.sources.survey.surveymonkey import SurveyMonkey


@pytest.fixture
def bulk(tmp_path: Path) -> Iterator[Night]:
    with night(Bulk, tmp_path / "home") as made:
        yield made


def answered(night: Night) -> list[tuple[Any, ...]]:
    rows = night.rows()
    return sorted((row["question_code"], row["option_code"], row["text_length"]) for row in rows)


def test_numbers_are_read_as_the_texts_they_stand_for(bulk: Night) -> None:
    bulk.seed(NOON)
    assert bulk.land().error is None
    # What was typed under Other is not kept, nor is the row that nobody asked for.
    assert answered(bulk) == [
        ("heard", "Other (please specify)", None), ("heard", "broadcast", None), ("note", "text", 4), ("nps", "1", None),
        ("staff", "5", None),
    ]  # fmt: skip
    assert all(row["respondent_pid"] for row in bulk.rows())


def test_a_comment_beside_a_question_is_a_question_of_its_own(bulk: Night) -> None:
    bulk.connection = bulk.vendor.connection(
        bulk.url, questions={"please rate:  [comments]": {"code": "why", "kind": "text"}}
    )  # blanks and case aside
    bulk.seed(NOON)
    assert bulk.land().error is None
    assert answered(bulk) == [("why", "text", 4)]


def test_a_question_that_the_survey_does_not_have_is_told_before_any_response_is_read(bulk: Night) -> None:
    bulk.connection = bulk.vendor.connection(bulk.url, questions={"Please rate: [Stuff]": {"code": "staff", "kind": "rating"}})
    error = str(bulk.land().error)
    assert "the survey has no column Please rate: [Stuff]" in error
    assert "did you mean Please rate: [Staff]" in error
    assert [request.path for request in bulk.vendor.requests] == ["/v3/surveys/168/details"]


def test_questions_and_choices_that_were_taken_out_of_the_survey_break_nothing(bulk: Night) -> None:
    fewer: dict[str, Any] = deepcopy(DETAILS)
    questions = fewer["pages"][1]["questions"]
    del questions[2]
    questions[1]["answers"]["choices"].pop(0)
    bulk.vendor.traps.append(lambda request: Reply(fewer) if request.path.endswith("/details") else None)
    bulk.connection = bulk.vendor.connection(
        bulk.url, questions={"Where did you hear of us?": {"code": "heard", "kind": "multiple"}}
    )
    bulk.seed(NOON)
    assert bulk.land().error is None
    assert answered(bulk) == [("heard", "201", None), ("heard", "Other (please specify)", None)]


def test_the_second_question_of_the_same_text_is_told_apart(bulk: Night) -> None:
    twice: dict[str, Any] = deepcopy(DETAILS)
    questions = twice["pages"][1]["questions"]
    questions.insert(0, {"id": "9", "family": "presentation", "headings": [{"heading": "Anything else?"}]})
    questions.append({"id": "50", "family": "open_ended", "headings": [{"heading": "Anything else?"}]})
    bulk.vendor.traps.append(lambda request: Reply(twice) if request.path.endswith("/details") else None)
    asked = {"Anything else?": {"code": "note", "kind": "text"}, "Anything else?.1": {"code": "more", "kind": "text"}}
    bulk.connection = bulk.vendor.connection(bulk.url, questions=asked)
    bulk.seed(NOON)
    bulk.vendor.records[0]["pages"][1]["questions"].append({"id": "50", "answers": [{"text": "なし"}]})
    assert bulk.land().error is None
    assert answered(bulk) == [("more", "text", 2), ("note", "text", 4)]


def test_the_end_of_the_days_requests_is_told_instead_of_waited_for(bulk: Night) -> None:
    bulk.seed(NOON)

    def used_up(request: Request) -> Reply | None:
        headers = {"X-Ratelimit-App-Global-Day-Remaining": "0", "X-Ratelimit-App-Global-Day-Reset": "36000"}
        return Reply({"error": {"message": "Rate limit reached"}}, 429, headers)

    bulk.vendor.traps.append(used_up)
    assert "would have us wait 36000 s more; limits.wait_minutes allows 60" in str(bulk.land().error)


@pytest.mark.parametrize("wrong", [{"survey_id": "SV_1"}, {"page_size": 1000}, {"invitations": "asked.csv"}])
def test_an_entry_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    entry = Bulk().connection("http://127.0.0.1:1/").model_dump(by_alias=True)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SurveyMonkey.model_validate({**entry, **wrong})
