"""Meta's Graph API, as Instagram and Facebook pages share it: its errors, its limits, its lists and its insights.

An error is a 400 whose `code` says what it is: an ended token (190), one request too many (`LIMITED`), a moment's trouble (`1`,
`2`). How long a limit lasts stands in the header `X-Business-Use-Case-Usage`, in minutes. Addresses of next pages hold the token,
so that lists are walked by their cursors. A number that Meta does not give is left out of an answer: it is unknown, not 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field

from pipelines.sources.auth import Query
from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Again, Api, Clock, Refused, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.paging import Cursor, Paging, Send
from pipelines.sources.sns.live import READINGS, instant
from pipelines.sources.streams import read_list

LISTED = Cursor(type="cursor", path="paging.cursors.after", param="after", more="paging.next", size_param="limit", size=50)
LIMITED = frozenset({4, 17, 32, 613, 80001, 80002})
PASSING = frozenset({1, 2})
ENDED = frozenset({102, 190})


class GraphRefused(Refused):
    """A request refused with a `code` of Meta's own, and a `subcode` (0 where there is none)."""

    def __init__(self, message: str, status: int, code: int, subcode: int) -> None:
        super().__init__(message, status)
        self.code = code
        self.subcode = subcode


class GraphApi(Api):
    """The Graph API during one pull."""

    def _judge(self, response: httpx.Response) -> None:
        try:
            super()._judge(response)
        except Refused as refused:
            raise _understood(refused, response) from None


class MetaAccount(LiveConnection):
    """One of our accounts behind the Graph API. Posts older than `post_days` are no longer read."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts")
    readings: ClassVar[frozenset[str]] = READINGS

    url: str = "https://graph.facebook.com/v24.0/"
    account_id: str = Field(pattern=r"^\d{5,}$")
    secret: Secret
    post_days: int = Field(default=90, ge=1)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The Graph API, with the access token."""
        auth = Query(type="query", param="access_token", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return GraphApi(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def young_posts(self, api: Api, name: str, send: Send, paging: Paging, written: str) -> Iterator[Page]:
        """A list of posts, the newest first, as far back as `post_days`; `written` names the field that says when."""
        oldest = api.clock.now() - timedelta(days=self.post_days)

        def is_older(post: Mapping[str, Any]) -> bool:
            return instant(post[written]) < oldest

        def is_over(found: Sequence[Any]) -> bool:
            return bool(found) and all(map(is_older, found))

        for page in read_list(api, name, send, paging=paging, records="data", is_over=is_over):
            yield page._replace(records=[post for post in page.records if not is_older(post)])


def insights(data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers of an answer by metric; one that is an empty set, or not there, is left out."""
    found = {}
    for metric in data:
        values = [one["value"] for one in (metric.get("total_value"), *metric.get("values", [])) if one and "value" in one]
        if values:
            found[metric["name"]] = values[-1]
    return found


def _understood(refused: Refused, response: httpx.Response) -> SourceError:
    try:
        error = json.loads(response.content)["error"]
        code, subcode = int(error["code"]), int(error.get("error_subcode") or 0)
    except (ValueError, KeyError, TypeError):
        return refused
    if code in LIMITED:
        return Again(str(refused), _regained(response.headers), is_limit=True)
    if code in PASSING or error.get("is_transient") is True:
        return Again(str(refused))
    if code in ENDED:
        message = f"{refused} (code {code}, elsewhere a 401): the access token has ended; make a new one"
        return GraphRefused(message, 401, code, subcode)
    return GraphRefused(f"{refused} (code {code})", refused.status, code, subcode)


def _regained(headers: Mapping[str, str]) -> float | None:
    """Seconds until requests are taken again; None where the header does not say."""
    try:
        used = json.loads(headers.get("x-business-use-case-usage", "{}"))
        minutes = [float(one["estimated_time_to_regain_access"]) for uses in used.values() for one in uses]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return 60 * max(minutes) if minutes and max(minutes) > 0 else None
