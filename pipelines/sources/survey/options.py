"""What a survey's entry in connections.yaml says about the survey itself, its waves, its respondents and its questions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.sources import cells
from pipelines.sources.connection import Person
from pipelines.sources.layouts import persons
from pipelines.sources.schema import KeyClass

Kind = Literal["nps", "csat", "ces", "rating", "single", "multiple", "segment", "text"]
NUMERIC_KINDS = ("nps", "csat", "ces", "rating")


def code_of(number: float) -> str:
    """The one spelling of a scale's code: 5.0 is "5", 4.5 is "4.5"."""
    return str(int(number)) if number == int(number) else repr(float(number))


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("YAML takes an unquoted yes, no, on, off, true or false for a truth value; write it in quotes")
    return code_of(value) if isinstance(value, (int, float)) else value


# YAML turns an unquoted 1 into a number and an unquoted Yes into True: the first is meant as text, the second is a trap.
Text = Annotated[str, BeforeValidator(_as_text)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Survey(_Options):
    """The survey as it is to be read: who was asked, how far answers can be traced, and the cut points of its scores."""

    id: Text = Field(min_length=1)
    title: str | None = None
    audience: Literal["employee", "customer", "public"]
    mode: Literal["anonymous", "confidential", "identified"]
    valid_days: int = Field(default=100, ge=1)
    min_n: int = Field(default=5, ge=1)
    promoter_min: int = 9
    detractor_max: int = 6

    @model_validator(mode="after")
    def _cut_points_apart(self) -> Survey:
        if self.detractor_max >= self.promoter_min:
            raise ValueError(f"detractor_max {self.detractor_max} must lie below promoter_min {self.promoter_min}")
        return self


class Wave(_Options):
    """Which wave a response belongs to: the calendar period of its day, a column of the file, or one fixed name."""

    every: Literal["month", "quarter", "half", "year"] | None = None
    column: Text | None = None
    fixed: Text | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Wave:
        if sum(value is not None for value in (self.every, self.column, self.fixed)) != 1:
            raise ValueError("give exactly one of every, column, fixed")
        return self


class Respondent(_Options):
    """Which column identifies the person who answered, and as what. `scope` names the system a number comes from.

    A token stands in the link of an invitation: the list of invitations says whose it is, by what `invited_as` names.
    """

    column: Text | None = None
    as_: Literal["mail", "id", "phone", "token"] = Field(default="id", alias="as")
    invited_as: Literal["mail", "id", "phone"] | None = None
    scope: str = ""

    @model_validator(mode="after")
    def _token_leads_to_a_person(self) -> Respondent:
        if (self.as_ == "token") != (self.invited_as is not None):
            raise ValueError("invited_as belongs to `as: token`: it says as what the list of invitations names the person")
        return self

    @property
    def person(self) -> Literal["mail", "id", "phone"]:
        """As what a person is named, by the answer itself or by the list of invitations."""
        return self.invited_as or cast(Literal["mail", "id", "phone"], self.as_)

    def persons(self, texts: pd.Series[Any], audience: str) -> pd.Series[Any]:
        """The persons as `Person` cells: employees as HR numbers them, customers as the shop `scope` does."""
        key: KeyClass = "employee" if audience == "employee" else "customer"
        scope = "hr" if key == "employee" else self.scope
        return persons(cells.identifier(texts), key, self.person, scope if self.person == "id" else "")

    def tokens(self, texts: pd.Series[Any], audience: str, survey: str, waves: pd.Series[Any]) -> pd.Series[Any]:
        """The tokens of `survey` as `Person` cells: keyed like persons, so that nobody can answer by a landed token.

        Short tokens are given out again in a later wave, to somebody else: the wave is part of whose token it is.
        """
        key: KeyClass = "employee" if audience == "employee" else "customer"
        rows = zip(cells.identifier(texts), waves, strict=True)
        tokens = [Person(key, "id", token, f"token:{survey}:{wave}") if isinstance(token, str) else token for token, wave in rows]
        return pd.Series(tokens, index=texts.index, dtype=object)


class Question(_Options):
    """One question: its kind decides how an answer is read.

    nps, csat, ces, rating: a number on `scale`, or a word that `options` turns into one. single, multiple, segment: the code
    `options` gives the text, else the text itself; `other` is the code for every text that `options` does not list, so that
    what people type into a free field of a form is not kept. text: only its length is kept.
    """

    code: Text = Field(min_length=1)
    kind: Kind
    driver: str | None = None
    scale: tuple[float, float] | None = None
    reversed: bool = False
    favourable_min: float | None = None
    unfavourable_max: float | None = None
    options: dict[Text, Text] = Field(default_factory=dict)
    other: Text | None = None
    separator: str | None = Field(default=None, min_length=1)

    @property
    def is_numeric(self) -> bool:
        """Whether answers are points on a scale."""
        return self.kind in NUMERIC_KINDS

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest code of the scale: 0 to 10 for nps, else 1 to 5, unless `scale` says otherwise."""
        return self.scale or ((0, 10) if self.kind == "nps" else (1, 5))

    @property
    def favourable(self) -> float | None:
        """Lowest favourable code: `favourable_min`, else 4 on a scale of 1 to 5; other scales have none unless told."""
        if self.favourable_min is None and self.is_numeric and self.bounds == (1, 5):
            return 4.0
        return self.favourable_min

    @model_validator(mode="after")
    def _options_fit_the_kind(self) -> Question:
        if self.is_numeric:
            self._check_scale()
        elif self.scale is not None or self.favourable_min is not None or self.unfavourable_max is not None or self.reversed:
            kinds = ", ".join(NUMERIC_KINDS)
            limits = "scale, reversed, favourable_min and unfavourable_max"
            raise ValueError(f"{limits} belong to {kinds} questions; this one is {self.kind}")
        if self.other is not None and self.kind not in ("single", "multiple", "segment"):
            raise ValueError(f"other belongs to single, multiple and segment questions; this one is {self.kind}")
        if self.other is not None and not self.options:
            raise ValueError("other needs options: it is the code of every text they do not list")
        if self.options and self.kind == "text":
            raise ValueError("a text question has no options: only the length of the text is kept")
        if self.separator is not None and self.kind != "multiple":
            raise ValueError(f"separator belongs to multiple questions; this one is {self.kind}")
        return self

    def _check_scale(self) -> None:
        low, high = self.bounds
        scale = f"{code_of(low)} to {code_of(high)}"
        if low >= high:
            raise ValueError(f"scale must rise: {code_of(low)} is not below {code_of(high)}")
        if self.favourable_min is not None and not low <= self.favourable_min <= high:
            raise ValueError(f"favourable_min {code_of(self.favourable_min)} lies outside the scale {scale}")
        if self.unfavourable_max is not None:
            if not low <= self.unfavourable_max <= high:
                raise ValueError(f"unfavourable_max {code_of(self.unfavourable_max)} lies outside the scale {scale}")
            if self.favourable is None or self.unfavourable_max >= self.favourable:
                raise ValueError(f"unfavourable_max {code_of(self.unfavourable_max)} needs a favourable_min above it")
        if self.kind == "csat" and self.favourable is None:
            raise ValueError(f"a csat question on a scale of {scale} needs favourable_min: the lowest satisfied answer")
        for label, code in self.options.items():
            try:
                number = float(code)
            except ValueError:
                raise ValueError(f"option {label!r} of a {self.kind} question must stand for a number, not {code!r}") from None
            if not low <= number <= high:
                raise ValueError(f"option {label!r} = {code} lies outside the scale {scale}")
