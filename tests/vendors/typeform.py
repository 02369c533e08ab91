"""Typeform's Responses API: newest first, `before` a token, since and until taken in, an empty last page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vendors.base import Reply, Request, Vendor, iso

from pipelines.sources.live import LiveConnection
from pipelines.sources.survey.typeform import Typeform


class Responses(Vendor):
    """The responses of one form."""

    table, key, field = "answers", "response_id", "submitted_at"
    secrets = {"TYPEFORM_TOKEN": "tfp_0123456789abcdef"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        questions = {code: {"code": code, "kind": kind} for code, kind in (("nps", "nps"), ("why", "multiple"), ("note", "text"))}
        entry = {
            "name": "typeform", "kind": "typeform", "url": url, "form": "lR6F4j", "secret": "TYPEFORM_TOKEN",
            "survey": {"id": "pulse", "audience": "customer", "mode": "identified"}, "wave": {"every": "month"},
            "respondent": {"column": "hidden.email", "as": "mail"}, "questions": questions, "page_size": self.page,
        }  # fmt: skip
        return Typeform.model_validate({**entry, **options})

    def key_of(self, number: int) -> str:
        return f"token{number:04}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        token = self.key_of(number)
        return {
            "landing_id": token, "token": token, "response_id": token, "landed_at": iso(changed), "submitted_at": iso(changed),
            "metadata": {"platform": "other", "browser": "default"}, "hidden": {"email": f"hanako{number}@example.jp"},
            "answers": [
                answer("nps", "opinion_scale", number=number % 11),
                answer("why", "multiple_choice", choices={"ids": ["a"], "labels": ["味", "価格, 主に"], "refs": ["b"]}),
                answer("note", "long_text", text="花子です"),
            ],
        }  # fmt: skip

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid or self.secrets['TYPEFORM_TOKEN']}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"code": "AUTHENTICATION_FAILED", "description": "Authentication credentials not found on the request"}, 401)

    def answer(self, request: Request) -> Reply:
        assert request.path == "/forms/lR6F4j/responses"
        size, bounds = int(request.query["page_size"]), [int(request.query[name]) for name in ("since", "until")]
        assert 1 <= size <= 1000
        found = sorted(self.records, key=lambda one: (str(one.get("submitted_at")), one["token"]), reverse=True)
        found = [one for one in found if "submitted_at" not in one or bounds[0] <= _epoch(one["submitted_at"]) <= bounds[1]]
        total = len(found)
        if (token := request.query.get("before")) is not None:
            place = next((place for place, one in enumerate(found) if one["token"] == token), None)
            if place is None:
                return Reply({"code": "INVALID_TOKEN", "description": "token not found"}, 400)
            found = found[place + 1 :]
        return Reply({"total_items": total, "page_count": -(-total // size), "items": found[:size]})


def answer(ref: str, kind: str, **value: Any) -> dict[str, Any]:
    """An answer: the field it belongs to, and its value under the name of its type."""
    (name,) = value
    return {"field": {"id": f"id-{ref}", "type": kind, "ref": ref}, "type": name, **value}


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()
