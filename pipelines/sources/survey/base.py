"""What the survey kinds share: the options of an entry, and the way from a table of responses to the four landing tables.

Data flow: one row per response and one column per question (made by the kind's `responses`) -> `answers`, one row per response,
question and chosen option; the entry itself -> `surveys` and `questions`, dated by the answers of the file; the file named in
`invitations` (wave/回, respondent/回答者, invited_at/招待日時, org_unit/所属, token/トークン) -> `invitations`.

Respondents become `Person` cells, so that employees meet their HR record and customers their orders. A survey in anonymous mode
lands no respondent with an answer, even where the file has a column of them. Free texts land as their length alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

import pandas as pd
from pydantic import Field, field_validator, model_validator

from pipelines.sources import cells
from pipelines.sources.connection import Connection, FileConnection, Frame, Sheet
from pipelines.sources.contract import table
from pipelines.sources.layouts import Layout, find, local_day, org_path, readable, recognise
from pipelines.sources.survey.answers import read_answers
from pipelines.sources.survey.options import Question, Respondent, Survey, Text, Wave

INVITATIONS = Layout(
    table("survey", "invitations"),
    {
        "wave": ("回", "wave"),
        "respondent_pid": ("回答者", "respondent"),
        "invited_at": ("招待日時", "invited_at"),
        "org_unit": ("所属", "org_unit"),
        "token_pid": ("トークン", "token"),
    },
    optional=frozenset({"org_unit", "token_pid"}),
)

PERIODS: Mapping[str, Callable[[date], str]] = {
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}Q{(day.month + 2) // 3}",
    "half": lambda day: f"{day.year}H{1 if day.month <= 6 else 2}",
    "year": lambda day: f"{day.year}",
}


class AnswerColumn(NamedTuple):
    """A column that holds answers; `option` is the choice it stands for, where a question's choices are spread over columns."""

    name: str
    option: str | None = None


class Responses(NamedTuple):
    """The responses of one file: rows, and for each configured question its wording and its columns."""

    rows: pd.DataFrame
    wordings: Mapping[str, str]
    columns: Mapping[str, list[AnswerColumn]]


class SurveyReader(Connection):
    """Options and reading that all kinds of survey have in common, whether their responses come as files or from a server."""

    source: ClassVar[str] = "survey"
    tables: ClassVar[tuple[str, ...]] = ("surveys", "questions", "invitations", "answers")
    separator: ClassVar[str] = ", "  # how the export joins several choices in one cell

    survey: Survey
    wave: Wave
    response_id: Text | None = None
    answered_at: Text
    date_format: str | None = None
    respondent: Respondent | None = None
    org_unit: Text | None = None
    weight: Text | None = None
    missing: tuple[Text, ...] = ()
    questions: dict[Text, Question] = Field(min_length=1)
    invitations: str | None = None

    @field_validator("questions")
    @classmethod
    def _one_code_per_question(cls, questions: dict[str, Question]) -> dict[str, Question]:
        seen: dict[str, tuple[str, Question]] = {}
        for name, question in questions.items():
            first = seen.setdefault(question.code, (name, question))
            if first[1] is not question and not first[1].kind == question.kind == "multiple":
                raise ValueError(f"code {question.code!r} is given to {first[0]!r} and {name!r}; only multiple questions may")
        return questions

    @model_validator(mode="after")
    def _respondents_can_be_keyed(self) -> SurveyReader:
        respondent, audience = self.respondent, self.survey.audience
        if respondent is None:
            if self.invitations is not None:
                raise ValueError("invitations needs respondent: `as` and `scope` say whose identifiers the list holds")
            return self
        if audience == "public":
            raise ValueError("a survey of the public knows no respondents; take respondent out or change survey.audience")
        if respondent.column is None and self.survey.mode != "anonymous":
            raise ValueError("respondent.column is missing: which column identifies the person who answered?")
        if respondent.as_ == "token" and self.invitations is None:
            raise ValueError("a token needs invitations: the list says whose token it is")
        if audience == "customer" and (respondent.person == "id") != bool(respondent.scope):
            raise ValueError("respondent.scope names the shop whose customer numbers these are; mail and phone take none")
        if audience == "employee" and respondent.scope not in ("", "hr"):
            raise ValueError(f"respondent.scope of an employee survey is hr, not {respondent.scope!r}")
        return self

    @abstractmethod
    def responses(self, sheet: Sheet) -> Responses:
        """The kind's own part: which rows are responses, and where each question's answers stand."""

    def read_responses(self, sheet: Sheet) -> Iterator[Frame]:
        """Turn responses into frames: the survey, its questions and its answers."""
        responses = self.responses(sheet)
        facts = self._facts(Sheet(sheet.file, responses.rows))
        answers = self._answers(responses, facts)
        days = facts["business_date"].dropna()
        if not days.empty:
            # A live source gives the responses that changed on the days asked for, whenever they were given.
            dated = {
                "change_date": local_day(facts["updated_at"], self.zone).dropna().min(),
                "updated_at": facts["updated_at"].dropna().max(),
                "business_date": days.max(),
            }
            yield Frame("surveys", self._surveys(dated, days.index[0]))
            yield Frame("questions", self._questions(dated, days.index[0], responses.wordings))
        if not answers.empty:
            yield Frame("answers", answers)

    def updated(self, sheet: Sheet, answered: pd.Series[Any]) -> pd.Series[Any]:
        """When each response last changed: when it was given, unless the source knows better."""
        del sheet
        return readable(answered)

    def numbered(self, sheet: Sheet, stamps: pd.Series[Any]) -> pd.Series[Any]:
        """`<timestamp>-<occurrence>`: for forms without a response number, whose rows keep their order from export to export."""
        del sheet
        occurrence = stamps.groupby(stamps).cumcount().add(1)
        return (stamps + "-" + occurrence.astype(str)).astype(object).where(stamps != "", None)

    def _facts(self, sheet: Sheet) -> pd.DataFrame:
        """What every answer of a response shares, one row per response."""
        respondent = None if self.survey.mode == "anonymous" else self.respondent
        person = None if respondent is None else respondent.column
        used = (self.answered_at, self.response_id, person, self.org_unit, self.weight, self.wave.column)
        columns = find(sheet, [name for name in used if name is not None])
        texts = {name: self._present(sheet.rows[column]) for name, column in columns.items()}
        answered = cells.timestamp(texts[self.answered_at], self.zone, self.date_format)
        facts = pd.DataFrame(index=sheet.rows.index, dtype=object)
        facts["survey_id"] = self.survey.id
        own_id = None if self.response_id is None else cells.identifier(texts[self.response_id])
        facts["response_id"] = self.numbered(sheet, texts[self.answered_at]) if own_id is None else own_id
        facts["respondent_pid"] = None
        facts["answered_at"] = answered
        facts["org_unit"] = None if self.org_unit is None else org_path(texts[self.org_unit])
        facts["weight"] = 1.0 if self.weight is None else cells.number(texts[self.weight])
        facts["updated_at"] = self.updated(sheet, answered)
        facts["business_date"] = local_day(answered, self.zone)
        facts["wave"] = self._waves(facts["business_date"], texts)
        if respondent and person:
            facts["respondent_pid"] = (
                respondent.tokens(texts[person], self.survey.audience, self.survey.id, facts["wave"])
                if respondent.as_ == "token"
                else respondent.persons(texts[person], self.survey.audience)
            )
        return facts.astype(object)

    def _waves(self, days: pd.Series[Any], texts: Mapping[str, pd.Series[Any]]) -> Any:
        if self.wave.every is not None:
            return cells.each(days, PERIODS[self.wave.every])
        return self.wave.fixed if self.wave.column is None else cells.identifier(texts[self.wave.column])

    def _present(self, texts: pd.Series[Any]) -> pd.Series[Any]:
        """The cells with what stands for a missing value blanked."""
        stripped = texts.str.strip()
        return stripped.mask(stripped.isin(self.missing), "")

    def _answers(self, responses: Responses, facts: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for key, columns in responses.columns.items():
            question = self.questions[key]
            for column in columns:
                texts = self._present(responses.rows[column.name]).rename(column.name)
                part = read_answers(question, texts, question.separator or self.separator, column.option)
                parts.append(part.assign(question_code=question.code))
        answers = pd.concat(parts).sort_index(kind="stable").astype(object)
        return pd.concat([facts.loc[answers.index], answers], axis=1)

    def _surveys(self, dated: Mapping[str, Any], row: int) -> pd.DataFrame:
        survey = self.survey.model_dump()
        return pd.DataFrame([{"survey_id": survey.pop("id"), **survey, **dated}], index=[row], dtype=object)

    def _questions(self, dated: Mapping[str, Any], row: int, wordings: Mapping[str, str]) -> pd.DataFrame:
        by_code: dict[str, dict[str, Any]] = {}
        for key, question in self.questions.items():
            low, high = question.bounds if question.is_numeric else (None, None)
            by_code.setdefault(
                question.code,
                {
                    "survey_id": self.survey.id,
                    "question_code": question.code,
                    "question_text": wordings[key],
                    "kind": question.kind,
                    "driver": question.driver,
                    "scale_min": low,
                    "scale_max": high,
                    "is_reversed": question.reversed,
                    "favourable_min": question.favourable,
                    "unfavourable_max": question.unfavourable_max,
                    "position": len(by_code) + 1,
                    **dated,
                },
            )
        return pd.DataFrame(list(by_code.values()), index=[row] * len(by_code), dtype=object)

    def read_invitations(self, sheet: Sheet) -> Frame:
        """The list of those who were asked, one row per person and wave."""
        layout, columns = recognise(sheet, [INVITATIONS])
        rows = layout.read(sheet, columns, self.zone, date_format=self.date_format)
        rows["survey_id"] = self.survey.id
        if self.respondent is not None:
            rows["respondent_pid"] = self.respondent.persons(sheet.rows[columns["respondent_pid"]], self.survey.audience)
            if "token_pid" in columns:
                tokens = sheet.rows[columns["token_pid"]]
                rows["token_pid"] = self.respondent.tokens(tokens, self.survey.audience, self.survey.id, rows["wave"])
        rows["updated_at"] = readable(rows["invited_at"])
        rows["business_date"] = local_day(rows["invited_at"], self.zone)
        return Frame("invitations", rows)


class SurveyFile(SurveyReader, FileConnection):
    """What form_csv, qualtrics_csv and surveymonkey_csv have in common: a folder of exports, and the list of those asked."""

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """Turn one file into frames: the invitations, or the survey, its questions and its answers."""
        if sheet.file == self.invitations:
            yield self.read_invitations(sheet)
        else:
            yield from self.read_responses(sheet)
