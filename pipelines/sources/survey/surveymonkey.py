"""SurveyMonkey: responses of one survey by its API, questions keyed as in `surveymonkey_csv`.

Data flow: GET <url>/surveys/<survey>/details says what the numbers mean -> <url>/surveys/<survey>/responses/bulk, page by page ->
survey.surveys, survey.questions, survey.answers.

Quirks:
- A response holds numbers of questions, rows and choices; their texts stand in the details. Headings may hold HTML.
- A question of several rows is keyed `<heading> [<row>]`, one of a single row by its heading alone.
- The second question of the same heading is keyed `<heading>.1`, as its column in a file would be.
- Of an answer typed in under "Other" the label counts, not what was typed. A comment beside a question is keyed
  `<heading> [<label of the comment>]`.
- Links to the next page may name an older host than the one asked: only their path is followed.
- The limits of a private app are told for the minute and for the day (500 requests).
- `date_modified` is when the response was finished, or edited since.

    visitor_survey:
      source: survey
      kind: surveymonkey
      survey_id: "168829664"
      secret: SURVEYMONKEY_TOKEN
      survey: {id: visitors, title: 来場者調査, audience: public, mode: anonymous}
      wave: {every: half}
      questions:
        How satisfied were you?: {code: csat, kind: csat, options: {Very satisfied: 5, Satisfied: 4, Neutral: 3}}
        "Please rate the following: [Staff]": {code: staff, kind: rating}
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx
import pandas as pd
from pydantic import Field

from pipelines.sources.auth import Bearer
from pipelines.sources.connection import Sheet, Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.files import unique
from pipelines.sources.http import Api, Clock, Tell
from pipelines.sources.layouts import find, tidy
from pipelines.sources.limits import Limits
from pipelines.sources.live import Bound, Page
from pipelines.sources.mapped import Unit
from pipelines.sources.paging import NextLink, Send
from pipelines.sources.survey.live import Answers, SurveyRestStream, SurveyStream
from pipelines.sources.survey.options import Text
from pipelines.sources.survey.tool import SurveyTool


class _Question(NamedTuple):
    """What the numbers in a response's answers mean. `comment`: the label of a comment, which is no choice."""

    heading: str
    rows: Mapping[str, str]
    choices: Mapping[str, str]
    comment: str | None

    def possible(self) -> list[str]:
        """Every key that the question's answers may have."""
        rows = [self.key(row) for row in self.rows] or [self.heading]
        return rows + ([] if self.comment is None else [f"{self.heading} [{self.comment}]"])

    def key(self, row: str | None) -> str:
        """The key of an answer in a row."""
        of_several = row is not None and row in self.rows and len(self.rows) > 1
        return f"{self.heading} [{self.rows[str(row)]}]" if of_several else self.heading

    def answer(self, given: Mapping[str, Any]) -> tuple[str, Any]:
        """Key and text of one answer."""
        if "other_id" in given and self.comment is not None:
            return f"{self.heading} [{self.comment}]", given.get("text")
        choice = given.get("choice_id") or given.get("other_id")
        return self.key(given.get("row_id")), self.choices.get(choice, choice) if choice else given.get("text")


class _Bulk(SurveyRestStream):
    """The list of responses with their answers."""

    def sender(self, api: Api, bounds: Mapping[str, Any]) -> Send:
        """As any list, but a link is followed on our own host."""
        send = super().sender(api, bounds)
        return lambda extra, link: send(extra, link and httpx.URL(link).raw_path.decode())


class SurveyMonkey(SurveyTool):
    """One survey; questions are keyed by their text."""

    url: str = "https://api.surveymonkey.com/v3/"
    survey_id: Text = Field(pattern=r"^\d+$")
    page_size: int = Field(default=100, ge=1, le=100)
    limits: Limits = Limits(per_minute=120)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Signed in by the access token of a private app."""
        auth = Bearer(type="bearer", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def lists(self) -> Mapping[str, SurveyStream]:
        """The completed responses, the last changed first."""
        changed = Unit(path="date_modified")
        stream = _Bulk(
            path=f"surveys/{self.survey_id}/responses/bulk",
            params={"status": "completed", "sort_by": "date_modified", "sort_order": "DESC"},
            records="data",
            paging=NextLink(type="next_link", path="links.next", size_param="per_page", size=self.page_size),
            since=Bound(param="start_modified_at", format="iso"),
            until=Bound(param="end_modified_at", format="iso"),
            columns={"response_id": Unit(path="id"), "answered_at": changed, "updated_at": changed, **self.placed()},
            answers=Answers(each="_answers", question="question", value="value"),
        )
        return {"responses": stream}

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The responses of the window, with texts in place of numbers."""
        details = api.get(f"surveys/{self.survey_id}/details").body
        shown = [one for page in details["pages"] for one in page["questions"] if one.get("family") != "presentation"]
        headings = unique([_plain(one["headings"][0]["heading"]) for one in shown])
        asked = {str(one["id"]): _question(one, heading) for one, heading in zip(shown, headings, strict=True)}
        keys = list(dict.fromkeys(key for one in asked.values() for key in one.possible()))
        known = find(Sheet("the survey", pd.DataFrame(columns=keys)), list(self.questions))
        configured = {tidy(column): key for key, column in known.items()}
        for page in super().pages(api, window):
            records = [{**record, "_answers": list(_answers(record, asked, configured))} for record in page.records]
            yield page._replace(records=records)


def _answers(
    record: Mapping[str, Any], asked: Mapping[str, _Question], configured: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Key and text of each answer of a response to a configured question."""
    for page in record["pages"]:
        for answered in page["questions"]:
            question = asked.get(str(answered["id"]))
            if question is None:  # asked once, taken out of the survey since
                continue
            for given in answered["answers"]:
                key, value = question.answer(given)
                if tidy(key) in configured:
                    yield {"question": configured[tidy(key)], "value": value}


def _question(given: Mapping[str, Any], heading: str) -> _Question:
    """One question of the details."""
    answers = given.get("answers") or {}
    other = answers.get("other") or {}
    choices = {str(one["id"]): _plain(one["text"]) for one in answers.get("choices", [])}
    is_choice = bool(other.get("is_answer_choice"))
    if is_choice:
        choices[str(other["id"])] = _plain(other["text"])
    rows = {str(one["id"]): _plain(one["text"]) for one in answers.get("rows", [])}
    comment = _plain(other["text"]) if other and not is_choice else None
    return _Question(heading, rows, choices, comment)


def _plain(text: str) -> str:
    """A text as people see it, without its HTML."""
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
