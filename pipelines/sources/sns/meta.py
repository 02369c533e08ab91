"""Meta's Graph API, as Instagram and Facebook pages share it: its errors, its limits, its lists and its insights.

An error is a 400 whose `code` says what it is: an ended token (190), one request too many (`LIMITED`), a moment's trouble (`1`,
`2`). How long a limit lasts stands in the header `X-Business-Use-Case-Usage`, in minutes. Addresses of next pages hold the token,
so that lists are walked by their cursors. A number that Meta does not give is left out of an answer: it is unknown, not 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from pipelines.sources.auth import Query
from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Again, Api, Clock, Refused, Tell
from pipelines.sources.limits import Limits
from pipelines.sources.paging import Cursor

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


def graph_api(base: str, secret: str, bounds: Limits, secrets: Secrets, clock: Clock, tell: Tell, name: str) -> GraphApi:
    """The API at `base`, with the access token that the variable `secret` holds."""
    auth = Query(type="query", param="access_token", secret=secret).make(base, secrets, clock.now, name)
    return GraphApi(base, auth=auth, bounds=bounds, secrets=secrets, clock=clock, tell=tell)


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
