"""What `rest` and `graphql` surveys share: responses of a server as the sheet of text that all kinds of survey read.

Data flow: streams of records -> one row per response with a column per question -> `SurveyReader.read_responses`; a stream of
table `invitations` -> one row per person asked.

A record is a response that holds its answers in fields of its own (`questions` are keyed by their paths) or in a list
(`answers: {each: ..., question: ..., value: ...}`, `questions` are keyed by what `question` finds); or, without `each`, a record
is one answer of a response.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Generic, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.sources import cells, mapped
from pipelines.sources.connection import Frame, Sheet, SourceError, Window
from pipelines.sources.expressions import Path, first, is_absent
from pipelines.sources.http import Api
from pipelines.sources.layouts import readable
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Unit
from pipelines.sources.streams import GraphqlStream, RestStream, Stream, day_of
from pipelines.sources.survey.base import AnswerColumn, Responses, SurveyReader

# What may be mapped, beside the questions. The names are those of the sheet's columns.
RESPONSE = ("response_id", "answered_at", "updated_at", "respondent", "org_unit", "weight", "wave")
INVITATION = ("wave", "respondent", "invited_at", "org_unit", "token")


class Answers(BaseModel):
    """Where a question and the answer to it stand: in every item of the list `each`, or in the record itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: Path | None = None
    question: Path
    value: Path


class SurveyStream(Stream):
    """A list of responses, of their answers, or of those who were asked."""

    table: Literal["answers", "invitations"] = "answers"
    answers: Answers | None = None

    @property
    def is_whole(self) -> bool:
        """Whether a record is a whole response."""
        return self.answers is None or self.answers.each is not None

    def changed(self) -> Unit | None:
        """When the response was changed or given, or the person was asked."""
        return self.columns.get("updated_at") or self.columns.get("answered_at") or self.columns.get("invited_at")

    @model_validator(mode="after")
    def _known(self) -> SurveyStream:
        known = RESPONSE if self.table == "answers" else INVITATION
        unknown = [name for name in self.columns if name not in known]
        if unknown:
            raise ValueError(f"columns cannot hold {', '.join(unknown)}; it can hold {', '.join(known)}")
        needed = ("response_id", "answered_at") if self.table == "answers" else ("wave", "respondent", "invited_at")
        absent = [name for name in needed if name not in self.columns]
        if absent:
            raise ValueError(f"columns: {', '.join(absent)} is missing")
        if self.rows:
            raise ValueError("rows are for shops; the answers in a response are told by `answers`")
        return self


class SurveyRestStream(SurveyStream, RestStream):
    """A list below an address."""


class SurveyGraphqlStream(SurveyStream, GraphqlStream):
    """A list that a query gives."""


S = TypeVar("S", bound=SurveyStream)


class SurveyRecords(SurveyReader, LiveConnection):
    """A survey tool whose lists hold one record per response, per answer or per person asked."""

    answered_at: Literal["answered_at"] = "answered_at"
    response_id: Literal["response_id"] = "response_id"
    separator: ClassVar[str] = "\x1f"  # between several choices of a list: no text holds it

    @abstractmethod
    def lists(self) -> Mapping[str, SurveyStream]:
        """The lists of the tool, by name."""

    def paths(self, stream: str) -> Collection[str]:
        """Every path of the stream's columns, children and details."""
        own = self.lists()[stream]
        if own.answers is None:
            return [*own.paths(), *self.questions]
        return [*own.paths(), *(path for path in (own.answers.each or own.answers.question, own.answers.value) if path)]

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The responses and invitations of the window, day by day exactly: the survey itself is dated by them."""
        for name, stream in self.lists().items():
            changed = stream.changed()
            for page in stream.pages(api, name, self, window):
                days = [None if changed is None else day_of(changed, record, self.zone) for record in page.records]
                dated = zip(page.records, days, strict=True)
                yield page._replace(records=[record for record, day in dated if day is None or day in window])

    def read(self, page: Page) -> Iterator[Frame]:
        """The page's responses or invitations."""
        stream = self.lists()[page.stream]
        sheet = self._sheet(stream, page)
        if stream.table == "invitations":
            if not sheet.rows.empty:
                yield self.read_invitations(sheet)
        else:
            yield from self.read_responses(sheet)

    def responses(self, sheet: Sheet) -> Responses:
        """Every row is a response, every configured question a column."""
        names = {key: AnswerColumn(f"question {key}") for key in self.questions}
        return Responses(sheet.rows, {key: key for key in self.questions}, {key: [column] for key, column in names.items()})

    def updated(self, sheet: Sheet, answered: pd.Series[Any]) -> pd.Series[Any]:
        """When the source says that the response changed, else when it was given."""
        given = readable(answered)
        if "updated_at" not in sheet.rows:
            return given
        changed = readable(cells.timestamp(sheet.rows["updated_at"], self.zone, self.date_format))
        return changed.where(changed.notna(), given)

    def _sheet(self, stream: SurveyStream, page: Page) -> Sheet:
        mapped.require_fields(page.label, page.records, stream.columns)
        columns = {name: [unit.text(record, self.zone) for record in page.records] for name, unit in stream.columns.items()}
        if stream.table == "answers":
            given = [self._given(stream.answers, record) for record in page.records]
            if stream.answers is None:
                self._require_questions(page)
            columns |= {f"question {key}": [answers.get(key, "") for answers in given] for key in self.questions}
        index = range(page.start, page.start + len(page.records))
        return Sheet(page.label, pd.DataFrame(columns, index=index, dtype="str"))

    def _given(self, where: Answers | None, record: Any) -> dict[str, str]:
        """The answers of a record by the key of their question; several to one question are several choices."""
        if where is None:
            return {key: self._text(first(key, record)) for key in self.questions}
        given: dict[str, str] = {}
        for item in [record] if where.each is None else mapped.children([record], where.each):
            key, value = first(where.question, item), self._text(first(where.value, item))
            if key is not None and value:
                text = str(key)
                given[text] = f"{given[text]}{self.separator}{value}" if text in given else value
        return given

    def _text(self, value: Any) -> str:
        if isinstance(value, dict):
            raise SourceError("an answer is an object; point the path at the value in it")
        if isinstance(value, list):
            return self.separator.join(self._text(one) for one in value)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)

    def _require_questions(self, page: Page) -> None:
        records: Sequence[Any] = page.records
        absent = [key for key in self.questions if records and all(is_absent(key, record) for record in records)]
        if absent:
            raise SourceError(f"{page.label}: no record has {', '.join(absent)}; correct the keys of `questions`")


class SurveyStreams(SurveyRecords, Generic[S]):
    """A survey tool whose lists and fields are described by its entry."""

    streams: dict[str, S] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _named_by_streams(cls, entry: Any) -> Any:
        """What the streams map is there: nobody has to say it twice."""
        streams = entry.get("streams") if isinstance(entry, Mapping) else None
        if not isinstance(streams, Mapping):
            return entry
        answers = [one for one in streams.values() if isinstance(one, Mapping) and one.get("table", "answers") == "answers"]
        named = {name for one in answers for name in (one.get("columns") or {})}
        lists = {one.get("table") for one in streams.values() if isinstance(one, Mapping)}
        found: dict[str, Any] = {name: name for name in ("org_unit", "weight") if name in named}
        found |= {"invitations": "invitations"} if "invitations" in lists else {}
        respondent = entry.get("respondent")
        if isinstance(respondent, Mapping) and "respondent" in named:
            found["respondent"] = {"column": "respondent", **respondent}
            entry = {**entry, "respondent": found["respondent"]}
        return {**found, **entry}

    @model_validator(mode="after")
    def _waves_are_mapped(self) -> SurveyStreams[S]:
        wanted = [self.wave.column, None if self.respondent is None else self.respondent.column]
        for name, stream in self.streams.items():
            absent = [one for one in wanted if one is not None and stream.table == "answers" and one not in stream.columns]
            if absent:
                raise ValueError(f"streams.{name}.columns: {', '.join(absent)} is missing")
        return self

    def lists(self) -> Mapping[str, SurveyStream]:
        """Those the entry describes."""
        return self.streams
