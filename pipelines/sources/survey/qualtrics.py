"""Qualtrics: responses by its export job, read by the rules of `qualtrics_csv`.

Data flow: POST <url>/surveys/<survey>/export-responses starts a job -> GET .../<progress> until it is complete -> GET
.../<file>/file, a zip with one CSV -> survey.surveys, survey.questions, survey.answers.

Quirks:
- The address holds the data centre of the account (`fra1`, `yul1`): a token is refused elsewhere.
- A job is asked for the responses that were recorded between two instants, at most `days_per_export` days, so that a long window
  is no single huge file. The job may fail without a reason; the next night tries again.
- `percentComplete` may be 100 before there is a file: only the status counts.
- Times in the file stand in the zone the job was asked for. Codes, not labels, unless `labels`.
- The zip lies in a folder of its own while it is read, which only its owner may open, and is deleted before a row goes on.

    customer_nps:
      source: survey
      kind: qualtrics
      url: https://fra1.qualtrics.com/API/v3/
      survey_id: SV_bwrylOA5nNnI9M1
      secret: QUALTRICS_TOKEN
      survey: {id: customer_nps, title: 顧客推奨度調査, audience: customer, mode: identified}
      wave: {every: month}
      respondent: {column: RecipientEmail, as: mail}
      questions:
        Q1: {code: nps, kind: nps}
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

import pandas as pd
from pydantic import Field

from pipelines.sources.auth import Header
from pipelines.sources.connection import Frame, Sheet, SourceError, Window
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.files import read_sheets
from pipelines.sources.http import TELL_EVERY, Api, Clock, Tell
from pipelines.sources.live import Page
from pipelines.sources.survey.qualtrics_csv import QualtricsReader
from pipelines.sources.survey.sheets import LiveSheets, page_of, rows_of

HEADERS = 2  # rows of the table above the responses: the questions' texts and the import ids
POLLS = (1.0, 2.0, 5.0, 10.0)  # seconds between two questions whether the job is done; the last one for ever


class Qualtrics(QualtricsReader, LiveSheets):
    """One survey of an account; questions are keyed by column name (Q1, Q2_3)."""

    url: str = Field(min_length=1)
    survey_id: str = Field(pattern=r"^SV_\w+$")
    secret: Secret
    labels: bool = False
    days_per_export: int = Field(default=31, ge=1)
    invitations: None = None

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Signed in by the token of a user who may see the survey."""
        token = Header(type="header", header="X-API-TOKEN", secret=self.secret)
        auth = token.make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """One page per export, each with the two rows above the responses."""
        for number, part in enumerate(_parts(window, self.days_per_export), start=1):
            table = self._export(api, part)
            head, rows = table.rows.iloc[:HEADERS], table.rows.iloc[HEADERS:]
            kept = self.answered_within(Sheet(table.file, rows), part)
            if not kept.empty:
                yield page_of("responses", number, pd.concat([head, kept]), api.clock.now())
            if api.one_page:
                return

    def read(self, page: Page) -> Iterator[Frame]:
        """The page's responses."""
        yield from self.read_responses(self.sheet_of(page))

    def sheet_of(self, page: Page) -> Sheet:
        """The rows as they stood in the exported file."""
        return Sheet(page.label, rows_of(page))

    def _export(self, api: Api, window: Window) -> Sheet:
        start, end = window.instants(self.zone, self.overlap)
        path = f"surveys/{self.survey_id}/export-responses"
        asked = {"format": "csv", "useLabels": self.labels, "timeZone": self.time_zone}
        bounds = {"startDate": f"{start:%Y-%m-%dT%H:%M:%SZ}", "endDate": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        job = api.post(path, {**asked, **bounds}).body["result"]
        done = self._finished(api, f"{path}/{job['progressId']}")
        with TemporaryDirectory() as folder:
            file = api.download(f"{path}/{done['fileId']}/file", Path(folder) / "export.zip")
            return _table(file)

    def _finished(self, api: Api, path: str) -> Any:
        """The job's last word, when it has a file."""
        patience, asked, told = timedelta(minutes=self.limits.wait_minutes), api.clock.now(), api.clock.now()
        pauses = iter(POLLS)
        pause = POLLS[0]
        while True:
            job = api.get(path).body["result"]
            if job["status"] == "complete":
                return job
            if job["status"] != "inProgress":
                raise SourceError(f"the export of {self.survey_id} ended as {job['status']}; pull again")
            pause = next(pauses, pause)
            now = api.clock.now()
            if now - asked + timedelta(seconds=pause) > patience:
                raise SourceError(f"the export of {self.survey_id} takes longer than limits.wait_minutes; lower days_per_export")
            if now - told >= timedelta(seconds=TELL_EVERY):
                told = now
                api.tell(f"waiting for the export, {float(job.get('percentComplete') or 0):.0f} % done")
            api.clock.sleep(pause)


def _table(file: Path) -> Sheet:
    """The one CSV in the zip, with its header rows."""
    try:
        with ZipFile(file) as pack:
            (name,) = [name for name in pack.namelist() if name.endswith(".csv")]
            target = file.with_suffix(".csv")
            with pack.open(name) as member, target.open("wb") as plain:
                while block := member.read(1 << 20):
                    plain.write(block)
    except (BadZipFile, ValueError) as error:
        raise SourceError("the export is no zip with one CSV in it") from error
    (table,) = read_sheets(target, encoding="utf-8")
    return table


def _parts(window: Window, days: int) -> Iterator[Window]:
    """The window in stretches of at most `days` days."""
    start = window.start
    while start <= window.end:
        end = min(start + timedelta(days=days - 1), window.end)
        yield Window(start, end)
        start = end + timedelta(days=1)
