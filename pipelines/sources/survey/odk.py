"""ODK Central: submissions of one form by its OData feed.

Data flow: GET <url>/projects/<project>/forms/<form>.svc/Submissions, page by page -> survey.surveys, survey.questions,
survey.answers.

Quirks:
- The list begins with the newest submission, edited or not; the next page stands behind `@odata.nextLink` with a `$skiptoken`.
- `$filter` knows the times of submission and of the last change, not the answers. A change is an edit or a review; one that never
  was changed has no time of change.
- Groups are objects in a submission (`household.size`). Repeats are lists of their own and are not read. Several choices are one
  text with blanks between.
- A submission that a reviewer rejected is no response. Deleted ones are not shown.
- The links begin with the address that the server believes to have: `url` must be that one.

    site_visits:
      source: survey
      kind: odk
      url: https://central.example.com/v1/
      project: 3
      form: site_visit
      user: pulls@example.com
      secret: ODK_PASSWORD
      survey: {id: site_visits, title: 来訪者調査, audience: public, mode: anonymous}
      wave: {every: month}
      questions:
        feedback.satisfaction: {code: csat, kind: csat}
        feedback.reasons: {code: reasons, kind: multiple, options: {taste: taste, price: price}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from pipelines.sources.auth import Basic
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Api, Clock, Tell
from pipelines.sources.live import Bound, Page
from pipelines.sources.mapped import Unit
from pipelines.sources.paging import NextLink, Send
from pipelines.sources.survey.live import SurveyRestStream, SurveyStream
from pipelines.sources.survey.tool import SurveyTool

TIMES = ("__system/submissionDate", "__system/updatedAt")


class _Feed(SurveyRestStream):
    """The submissions, asked for by either of their times."""

    def sender(self, api: Api, bounds: Mapping[str, Any]) -> Send:
        """As any list, with both ends of the window in one expression."""
        within = (f"({time} ge {bounds['since']} and {time} lt {bounds['until']})" for time in TIMES)
        return super().sender(api, {"$filter": " or ".join(within)})


class Odk(SurveyTool):
    """One form of a project; questions are keyed by the path of their field."""

    separator: ClassVar[str] = " "

    url: str = Field(min_length=1)
    project: int = Field(ge=1)
    form: str = Field(min_length=1)
    user: str = Field(min_length=1)
    page_size: int = Field(default=250, ge=1)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Signed in as a web user who may see the project's submissions."""
        auth = Basic(type="basic", user=self.user, secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def lists(self) -> Mapping[str, SurveyStream]:
        """The submissions of the form."""
        columns = {
            "response_id": Unit(path="__id"),
            "answered_at": Unit(path="__system.submissionDate"),
            "updated_at": Unit(path="__system.updatedAt || __system.submissionDate"),
        }
        stream = _Feed(
            path=f"projects/{self.project}/forms/{quote(self.form, safe='')}.svc/Submissions",
            records="value",
            paging=NextLink(type="next_link", path='"@odata.nextLink"', size_param="$top", size=self.page_size),
            since=Bound(param="since"),
            until=Bound(param="until"),
            columns={**columns, **self.placed()},
        )
        return {"submissions": stream}

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The submissions of the window that nobody rejected."""
        for page in super().pages(api, window):
            yield page._replace(records=[one for one in page.records if one["__system"].get("reviewState") != "rejected"])
