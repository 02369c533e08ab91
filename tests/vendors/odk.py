"""ODK Central's OData feed: basic auth, `$filter` on two times, `$top`, next links with a `$skiptoken`."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.survey.odk import Odk

FEED = "/v1/projects/3/forms/site%20visit.svc/Submissions"
TERM = r"\(__system/(\w+) ge (\S+) and __system/(\w+) lt (\S+)\)"


class Submissions(Vendor):
    """The submissions of a form; every second one was edited days after it came in."""

    table, key, field = "answers", "response_id", "__system"
    secrets = {"ODK_PASSWORD": "odk-password-0123456789"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        questions = {
            "feedback.satisfaction": {"code": "csat", "kind": "csat"},
            "feedback.reasons": {"code": "why", "kind": "multiple"},
            "note": {"code": "note", "kind": "text"},
        }
        entry = {
            "name": "odk", "kind": "odk", "url": f"{url}v1/", "project": 3, "form": "site visit", "user": "pulls@example.com",
            "secret": "ODK_PASSWORD", "survey": {"id": "visits", "audience": "customer", "mode": "identified"},
            "wave": {"every": "month"}, "respondent": {"column": "contact.mail", "as": "mail"}, "questions": questions,
            "page_size": self.page,
        }  # fmt: skip
        return Odk.model_validate({**entry, **options})

    def key_of(self, number: int) -> str:
        return f"uuid:{number:04}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        edited = number % 2 == 0
        submitted = changed - timedelta(days=3) if edited else changed
        system = {
            "submissionDate": _shown(submitted), "updatedAt": _shown(changed) if edited else None, "deletedAt": None,
            "submitterId": "5", "submitterName": "hanako", "attachmentsPresent": 0, "attachmentsExpected": 0, "status": None,
            "reviewState": "edited" if edited else None, "deviceId": None, "edits": int(edited), "formVersion": "1",
        }  # fmt: skip
        return {
            "__id": self.key_of(number), "__system": system, "meta": {"instanceID": self.key_of(number)},
            "feedback": {"satisfaction": number % 5 + 1, "reasons": "taste price"}, "note": "花子です",
            "contact": {"mail": f"hanako{number}@example.jp"},
        }  # fmt: skip

    def is_signed_in(self, request: Request) -> bool:
        pair = f"pulls@example.com:{self.valid or self.secrets['ODK_PASSWORD']}"
        return request.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"code": 401.2, "message": "Could not authenticate with the provided credentials."}, 401)

    def answer(self, request: Request) -> Reply:
        assert request.path == FEED
        top = int(request.query["$top"])
        ends = [(name, datetime.fromisoformat(low), datetime.fromisoformat(high)) for name, low, _, high in
                re.findall(TERM, request.query["$filter"])]  # fmt: skip
        assert [name for name, *_ in ends] == ["submissionDate", "updatedAt"]

        def is_within(system: dict[str, Any]) -> bool:
            return any(system[name] and low <= datetime.fromisoformat(system[name]) < high for name, low, high in ends)

        found = [one for one in self.records if "__system" not in one or is_within(one["__system"])]
        found.sort(key=lambda one: (one.get("__system", {}).get("submissionDate", ""), one["__id"]), reverse=True)
        if token := request.query.get("$skiptoken"):
            last = base64.b64decode(token.removeprefix("01")).decode()
            found = found[[one["__id"] for one in found].index(last) + 1 :]
        body = {"value": found[:top], "@odata.context": f"http://{request.host}{FEED.rpartition('/')[0]}/$metadata#Submissions"}
        if len(found) > top:
            token = "01" + base64.b64encode(found[top - 1]["__id"].encode()).decode()
            query = {"$top": str(top), "$filter": request.query["$filter"], "$skiptoken": token}
            sent = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
            body["@odata.nextLink"] = f"http://{request.host}{FEED}?{sent}"
        return Reply(body)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
