"""Typeform: responses of one form by the Responses API.

Data flow: GET <url>/forms/<form>/responses, page by page -> survey.surveys, survey.questions, survey.answers.

Quirks:
- The list begins with the newest. The next page is asked for by `before`, the token of the last response; the last page is empty.
- `since` and `until` are taken in, by the time of submission. Responses of the last half hour may be missing, so the night comes
  long enough after midnight.
- Only completed responses are given. They cannot be changed later.
- An answer stands in a field named by its type; a choice that was typed in under "Other" stands beside the labels.
- Two requests a second are allowed for an account.

    customer_pulse:
      source: survey
      kind: typeform
      form: lR6F4j
      secret: TYPEFORM_TOKEN
      survey: {id: customer_pulse, title: お客様アンケート, audience: customer, mode: identified}
      wave: {every: quarter}
      respondent: {column: hidden.email, as: mail}
      questions:
        nps: {code: nps, kind: nps}
        reasons: {code: reasons, kind: multiple, options: {味: taste, 価格: price}, other: other}
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from pipelines.sources.auth import Bearer
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Api, Clock, Tell
from pipelines.sources.limits import Limits
from pipelines.sources.live import Bound
from pipelines.sources.mapped import Unit
from pipelines.sources.paging import Cursor
from pipelines.sources.survey.live import Answers, SurveyRestStream, SurveyStream
from pipelines.sources.survey.tool import SurveyTool

# A yes or no stands last: no is false, which would let the next alternative in.
VALUE = (
    "choice.label || choice.other || choices.[labels, other][] || number || "
    "text || email || url || phone_number || date || boolean"
)


class Typeform(SurveyTool):
    """One form; questions are keyed by their reference."""

    url: str = "https://api.typeform.com/"
    form: str = Field(pattern=r"^\w+$")
    page_size: int = Field(default=1000, ge=1, le=1000)
    limits: Limits = Limits(per_minute=120)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Signed in by a personal token."""
        auth = Bearer(type="bearer", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def lists(self) -> Mapping[str, SurveyStream]:
        """The responses of the form."""
        columns = {"response_id": Unit(path="token"), "answered_at": Unit(path="submitted_at")}
        stream = SurveyRestStream(
            path=f"forms/{self.form}/responses",
            records="items",
            paging=Cursor(type="cursor", param="before", path="items[-1].token", size_param="page_size", size=self.page_size),
            since=Bound(param="since", format="epoch"),
            until=Bound(param="until", format="epoch"),
            columns={**columns, **self.placed()},
            # A response without any answer may come without the list.
            answers=Answers(each="not_null(answers, `[]`)", question="field.ref", value=VALUE),
        )
        return {"responses": stream}
