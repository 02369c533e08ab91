"""Several choices in one cell: nothing is lost, nothing doubled, and a known choice is never cut."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.survey.answers import read_answers, split_choices
from pipelines.sources.survey.options import Question, code_of

LABELS = st.text(alphabet="abcかな研修", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("研修, 社内, 研修", ["inside", "研修"]),  # the longest known choice first
        ("1on1, その他, 長い, 話", ["1on1", "other"]),  # free text with a separator is one `other`
        ("１ｏｎ１", ["1on1"]),
        ("1on1, 1on1", ["1on1"]),
        ("研修, ", ["研修"]),
    ],
)
def test_choices_of_one_cell(cell: str, codes: list[str]) -> None:
    options = {"研修": "研修", "研修, 社内": "inside", "1on1": "1on1"}
    question = Question.model_validate({"code": "used", "kind": "multiple", "options": options, "other": "other"})
    assert split_choices(question, cell, ", ") == codes


@given(st.lists(LABELS, min_size=1, max_size=5, unique=True), st.sampled_from([", ", ",", ";", "、"]))
def test_joined_choices_come_apart_again(labels: list[str], separator: str) -> None:
    unlisted = Question.model_validate({"code": "q", "kind": "multiple"})
    listed = Question.model_validate({"code": "q", "kind": "multiple", "options": {label: f"code {label}" for label in labels}})
    assert split_choices(unlisted, separator.join(labels), separator) == labels
    assert split_choices(listed, separator.join(labels), separator) == [f"code {label}" for label in labels]


def test_blank_cells_give_no_rows() -> None:
    rows = read_answers(Question.model_validate({"code": "q", "kind": "nps"}), pd.Series(["", " "], name="Q", dtype="str"), ", ")
    assert rows.empty


@pytest.mark.parametrize(("number", "code"), [(5.0, "5"), (4.5, "4.5"), (0.0, "0"), (-1.0, "-1")])
def test_a_code_of_a_scale_has_one_spelling(number: float, code: str) -> None:
    assert code_of(number) == code
