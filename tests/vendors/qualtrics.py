"""Qualtrics' export of responses: a job is started, asked for until it is done, and its zip fetched."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.survey.qualtrics import Qualtrics

EXPORTS = "/API/v3/surveys/SV_1a/export-responses"
COLUMNS = ("Status", "Finished", "RecordedDate", "ResponseId", "RecipientEmail", "Q1", "Q2", "Q3")


class ExportJobs(Vendor):
    """A survey whose exports take three questions to be done."""

    table, key, field = "answers", "response_id", "Q1"
    secrets = {"QUALTRICS_TOKEN": "qualtrics-token-0123456789"}  # noqa: RUF012
    polls = 3

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[dict[str, Any]] = []
        self.asked = 0  # how often since the last job began

    def connection(self, url: str, **options: Any) -> LiveConnection:
        questions = {"Q1": {"code": "nps", "kind": "nps"}, "Q2": {"code": "why", "kind": "multiple"},
                     "Q3": {"code": "note", "kind": "text"}}  # fmt: skip
        entry = {
            "name": "nps", "kind": "qualtrics", "url": f"{url}API/v3/", "survey_id": "SV_1a", "secret": "QUALTRICS_TOKEN",
            "survey": {"id": "nps", "audience": "customer", "mode": "identified"}, "wave": {"every": "month"},
            "respondent": {"column": "RecipientEmail", "as": "mail"}, "questions": questions,
        }  # fmt: skip
        return Qualtrics.model_validate({**entry, **options})

    def key_of(self, number: int) -> str:
        return f"R_{number}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        cells = ("0", "1", changed, f"R_{number}", f"hanako{number}@example.jp", str(number % 11), "1,3", "花子です")
        return dict(zip(COLUMNS, cells, strict=True))

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("x-api-token") == (self.valid or self.secrets["QUALTRICS_TOKEN"])

    def refuse(self, request: Request) -> Reply:
        error = {"errorMessage": "Unrecognized X-API-TOKEN.", "errorCode": "AUTH_6"}
        return Reply({"meta": {"httpStatus": "401 - Unauthorized", "error": error}}, 401)

    def answer(self, request: Request) -> Reply:
        if request.method == "POST" and request.path == EXPORTS:
            self.jobs.append(request.json)
            self.asked = 0
            return _result({"progressId": f"ES_{len(self.jobs)}", "percentComplete": 0.0, "status": "inProgress"})
        if request.path == f"{EXPORTS}/ES_{len(self.jobs)}":
            self.asked += 1
            if self.asked < self.polls:
                return _result({"percentComplete": 100.0, "status": "inProgress"})
            return _result({"fileId": f"file-{len(self.jobs)}", "percentComplete": 100.0, "status": "complete"})
        if request.path == f"{EXPORTS}/file-{len(self.jobs)}/file":
            return Reply(self.packed(self.jobs[-1]), headers={"Content-Type": "application/octet-stream"})
        return Reply({"meta": {"httpStatus": "404 - Not Found", "error": {"errorMessage": "Not found"}}}, 404)

    def packed(self, job: dict[str, Any]) -> bytes:
        """The zip: the CSV with its three header rows, of what was recorded between the job's instants."""
        assert job["format"] == "csv"
        assert job["useLabels"] in (True, False)
        zone, bounds = ZoneInfo(job["timeZone"]), [datetime.fromisoformat(job[name]) for name in ("startDate", "endDate")]
        names = list(dict.fromkeys(name for record in self.records for name in record)) or list(COLUMNS)
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(names)
        rows.writerow([f"Text of {name}" for name in names])
        rows.writerow([json.dumps({"ImportId": name, "timeZone": job["timeZone"]}) for name in names])
        for record in self.records:
            if bounds[0] <= record["RecordedDate"] < bounds[1]:
                shown = {**record, "RecordedDate": f"{record['RecordedDate'].astimezone(zone):%Y-%m-%d %H:%M:%S}"}
                rows.writerow([shown.get(name, "") for name in names])
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
            pack.writestr("顧客推奨度調査.csv", "\ufeff" + text.getvalue())
        return file.getvalue()


def _result(result: dict[str, Any]) -> Reply:
    return Reply({"result": result, "meta": {"requestId": "r-1", "httpStatus": "200 - OK"}})
