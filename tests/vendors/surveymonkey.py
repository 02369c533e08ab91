"""SurveyMonkey's API v3: details of a survey, responses in bulk, next links that name another host, two windows of limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.survey.surveymonkey import SurveyMonkey

DETAILS = {
    "id": "168", "title": "来場者調査",
    "pages": [
        {"id": "1", "questions": []},
        {"id": "2", "questions": [
            {"id": "10", "family": "matrix", "headings": [{"heading": "<b>Would you</b> recommend us &amp; why?"}],
             "answers": {"rows": [{"id": "100", "text": ""}], "choices": [{"id": f"11{n}", "text": str(n)} for n in range(11)]}},
            {"id": "20", "family": "multiple_choice", "headings": [{"heading": "Where did you hear of us?"}],
             "answers": {"choices": [{"id": "201", "text": "TV, radio"}, {"id": "202", "text": "Friends"}],
                         "other": {"id": "209", "text": "Other (please specify)", "is_answer_choice": True}}},
            {"id": "30", "family": "matrix", "subtype": "rating", "headings": [{"heading": "Please rate:"}],
             "answers": {"rows": [{"id": "301", "text": "Staff"}, {"id": "302", "text": "Rooms"}],
                         "choices": [{"id": f"31{n}", "text": str(n)} for n in range(1, 6)],
                         "other": {"id": "309", "text": "Comments", "is_answer_choice": False}}},
            {"id": "40", "family": "open_ended", "subtype": "essay", "headings": [{"heading": "Anything else?"}]},
        ]},
    ],
}  # fmt: skip


class Bulk(Vendor):
    """The completed responses of a survey."""

    table, key, field = "answers", "response_id", "date_modified"
    secrets = {"SURVEYMONKEY_TOKEN": "surveymonkey-token-0123456789"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        questions = {
            "Would you recommend us & why?": {"code": "nps", "kind": "nps"},
            "Where did you hear of us?": {"code": "heard", "kind": "multiple", "options": {"TV, radio": "broadcast"}},
            "Please rate: [Staff]": {"code": "staff", "kind": "rating"},
            "Anything else?": {"code": "note", "kind": "text"},
        }
        entry = {
            "name": "monkey", "kind": "surveymonkey", "url": f"{url}v3/", "survey_id": "168", "secret": "SURVEYMONKEY_TOKEN",
            "survey": {"id": "visitors", "audience": "customer", "mode": "identified"}, "wave": {"every": "month"},
            "respondent": {"column": "metadata.contact.email.value", "as": "mail"}, "questions": questions,
            "page_size": self.page,
        }  # fmt: skip
        return SurveyMonkey.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        comment = {"other_id": "309", "text": "花子です"}
        answers = {
            "10": [{"row_id": "100", "choice_id": f"11{number % 11}", "choice_metadata": {"weight": str(number % 11)}}],
            "20": [{"choice_id": "201"}, {"other_id": "209", "text": "花子に聞いた"}],
            "30": [{"row_id": "301", "choice_id": "315"}, {"row_id": "302", "choice_id": "311"}, comment],
            "40": [{"text": "花子です"}],
        }  # fmt: skip
        asked = [{"id": question, "answers": given} for question, given in answers.items()]
        return {
            "id": str(number), "response_status": "completed", "custom_variables": {}, "ip_address": "192.0.2.1",
            "date_created": "2026-10-01T00:00:00+00:00", "date_modified": changed.astimezone(UTC).isoformat(),
            "metadata": {"contact": {"email": {"type": "string", "value": f"hanako{number}@example.jp"}}},
            "pages": [{"id": "1", "questions": []}, {"id": "2", "questions": asked}],
        }  # fmt: skip

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid or self.secrets['SURVEYMONKEY_TOKEN']}"

    def refuse(self, request: Request) -> Reply:
        return Reply(
            {"error": {"id": "1011", "name": "Authorization Error", "message": "The authorization token is invalid."}}, 401
        )

    def throttle(self) -> Reply:
        message = {"error": {"id": "1040", "name": "Rate limit reached", "message": "Too many requests were made."}}
        minute = {"X-Ratelimit-App-Global-Minute-Remaining": "0", "X-Ratelimit-App-Global-Minute-Reset": "20"}
        day = {"X-Ratelimit-App-Global-Day-Remaining": "300", "X-Ratelimit-App-Global-Day-Reset": "36000"}
        return Reply(message, 429, {**minute, **day})

    def answer(self, request: Request) -> Reply:
        if request.path == "/v3/surveys/168/details":
            return Reply(DETAILS)
        assert request.path == "/v3/surveys/168/responses/bulk"
        query = request.query
        assert (query["status"], query["sort_by"]) == ("completed", "date_modified")
        bounds = [datetime.fromisoformat(query[name]) for name in ("start_modified_at", "end_modified_at")]
        found = [one for one in self.records if "date_modified" not in one or bounds[0] <= _moment(one) < bounds[1]]
        found.sort(key=lambda one: (str(one.get("date_modified")), one["id"]), reverse=query["sort_order"] == "DESC")
        size, page = int(query["per_page"]), int(query.get("page", 1))
        links = {"self": request.link(page=page)}
        if page * size < len(found):
            links["next"] = request.link(page=page + 1).replace(f"http://{request.host}", "https://api.surveymonkey.net")
        return Reply(
            {"data": found[(page - 1) * size : page * size], "per_page": size, "page": page, "total": len(found), "links": links}
        )


def _moment(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["date_modified"])
