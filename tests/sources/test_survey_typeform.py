"""Typeform beyond what the conformance suite asks of every kind: every type of answer, and who answered."""

from __future__ import annotations

from typing import Any

import pytest
from test_live_conformance import NOON
from vendors.pages import read
from vendors.typeform import Responses, answer

from pipelines.sources.connection import Person
from pipelines.sources.survey.typeform import Typeform


def connection(**options: Any) -> Typeform:
    made = Responses().connection("https://api.typeform.com/", **options)
    assert isinstance(made, Typeform)
    return made


def given(kind: str, item: dict[str, Any], **question: Any) -> list[tuple[Any, Any]]:
    """Code and length of what one answer gives for a question of `kind`."""
    own = connection(questions={"q": {"code": "q", "kind": kind, **question}})
    rows = read(own, {**Responses().record(1, NOON), "answers": [item]}, stream="responses").get("answers", [])
    return [(row["option_code"], row["text_length"]) for row in rows]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("nps", {"number": 0}, [("0", None)]),
        ("single", {"choice": {"id": "x", "label": "味"}}, [("味", None)]),
        ("single", {"choice": {"other": "手紙"}}, [("手紙", None)]),
        (
            "multiple",
            {"choices": {"labels": ["味", "価格, 主に"], "other": "手紙"}},
            [("味", None), ("価格, 主に", None), ("手紙", None)],
        ),
        ("multiple", {"choices": {"other": "手紙"}}, [("手紙", None)]),
        ("single", {"boolean": False}, [("false", None)]),
        ("single", {"boolean": True}, [("true", None)]),
        ("single", {"date": "2026-11-26"}, [("2026-11-26", None)]),
        ("text", {"email": "hanako@example.jp"}, [("text", 17)]),
        ("text", {"text": "花子"}, [("text", 2)]),
        ("text", {"payment": {"amount": "1"}}, []),
    ],
)
def test_an_answer_stands_under_its_type(kind: str, value: dict[str, Any], expected: list[tuple[Any, Any]]) -> None:
    assert given(kind, answer("q", kind, **value)) == expected


def test_what_people_type_under_other_is_not_kept() -> None:
    item = answer("q", "multiple_choice", choices={"labels": ["味"], "other": "花子です"})
    assert given("multiple", item, options={"味": "taste"}, other="other") == [("taste", None), ("other", None)]


def test_who_answered_stands_in_a_hidden_field_or_in_an_answer() -> None:
    record = Responses().record(1, NOON)
    (row, *_) = read(connection(), record, stream="responses")["answers"]
    assert row["respondent_pid"] == Person("customer", "mail", "hanako1@example.jp", "")
    record["answers"].append(answer("mail", "email", email="taro@example.jp"))
    asked = connection(respondent={"column": "answers[?field.ref=='mail'].email | [0]", "as": "mail"})
    (row, *_) = read(asked, record, stream="responses")["answers"]
    assert row["respondent_pid"] == Person("customer", "mail", "taro@example.jp", "")
    # A form without hidden fields does not send them.
    del record["hidden"]
    (row, *_) = read(connection(), record, stream="responses")["answers"]
    assert row["respondent_pid"] is None


def test_fields_of_a_response_are_named_by_paths() -> None:
    own = connection(wave={"column": "hidden.wave"}, org_unit="hidden.unit", weight="hidden.weight")
    hidden = {"email": "a@example.jp", "wave": "春", "unit": "営業 / 東京", "weight": "1.5"}
    (row, *_) = read(own, {**Responses().record(1, NOON), "hidden": hidden}, stream="responses")["answers"]
    assert (row["wave"], row["org_unit"], row["weight"]) == ("春", "営業/東京", 1.5)


def test_a_response_without_answers_is_none() -> None:
    record = Responses().record(1, NOON)
    del record["answers"]
    assert "answers" not in read(connection(), record, stream="responses")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"form": "https://x.typeform.com/to/a"}, "form"), ({"org_unit": "hidden["}, "no JMESPath"), ({"page_size": 1001}, "1000")],
)
def test_an_entry_that_cannot_work_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        connection(**wrong)
