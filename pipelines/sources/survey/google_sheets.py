"""Google Sheets: the sheet in which a Google Form collects its responses, read by the rules of `form_csv`.

Data flow: GET <url>/v4/spreadsheets/<spreadsheet> (zone, sheets, number of rows) -> values/'<sheet>'!1:5001, then the rows after
-> survey.surveys, survey.questions, survey.answers; the sheet named in `invitations` -> survey.invitations.

Quirks:
- The sign-in is a service account: a signed assertion (RS256) buys a token for an hour. The spreadsheet must be shared with its
  address, as with a person.
- Nothing can be asked by date: all rows are read each night, and those of other days are left out. A range that ends below the
  sheet is an error, so the number of rows is asked first; blank rows and cells at the end of a range are not sent.
- Cells come as they are shown: times in the spreadsheet's own zone and spelling. A zone other than the connection's is refused.
- Each range begins with the last row of the one before: rows that were sorted or deleted meanwhile are noticed.
- Who edits an answer gets a new time, and the old row is gone: the day of the old one drops it when it is pulled again.

    staff_pulse_live:
      source: survey
      kind: google_sheets
      spreadsheet: 1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms
      secret: GOOGLE_SERVICE_ACCOUNT
      survey: {id: staff_pulse, title: 従業員パルス調査, audience: employee, mode: confidential}
      wave: {every: quarter}
      answered_at: タイムスタンプ
      respondent: {column: 社員番号, as: id}
      invitations: 招待者一覧
      questions:
        会社の理念に共感している: {code: values_1, kind: rating, driver: values}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import jwt
import pandas as pd
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field

from pipelines.sources.auth import Now, TokenAuth
from pipelines.sources.connection import Frame, Sheet, SourceError, Window
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.files import unique
from pipelines.sources.http import Api, Clock, Tell, checked_base
from pipelines.sources.layouts import find
from pipelines.sources.live import Page
from pipelines.sources.survey.form_csv import FormReader
from pipelines.sources.survey.sheets import LiveSheets, page_of, rows_of

SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
LASTS = 3600  # seconds: the longest an assertion may be good for
OCCURRENCE = "_occurrence"  # how many responses of the same time stand above it, and itself


class GoogleSheets(FormReader, LiveSheets):
    """The response sheet of a form; questions are keyed by their header."""

    url: str = "https://sheets.googleapis.com/"
    spreadsheet: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    sheet: str | None = None
    secret: Secret
    rows_per_request: int = Field(default=5000, ge=1)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Signed in as the service account whose key file the secret holds."""
        auth = _ServiceAccount(self.secret, secrets, clock.now)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The responses of the window, and all who were asked."""
        fields = "properties.timeZone,sheets.properties(title,gridProperties.rowCount)"
        about = api.get(f"v4/spreadsheets/{self.spreadsheet}", {"fields": fields}).body
        self._require_zone(about["properties"]["timeZone"], window)
        given = [sheet["properties"] for sheet in about["sheets"]]
        counts = {sheet["title"]: sheet["gridProperties"]["rowCount"] for sheet in given if "gridProperties" in sheet}
        same: Counter[str] = Counter()
        for number, sheet in enumerate(self._read(api, self.sheet or next(iter(counts)), counts), start=1):
            rows = self.answered_within(sheet, window).copy()
            stamps = rows[find(sheet, [self.answered_at])[self.answered_at]].str.strip()
            rows[OCCURRENCE] = [str(_count(same, stamp)) for stamp in stamps]
            if not rows.empty:
                yield page_of("responses", number, rows, api.clock.now())
                if api.one_page:  # the newest stand last: a look goes on to the first page that has any
                    break
        if self.invitations is not None:
            for number, sheet in enumerate(self._read(api, self.invitations, counts), start=1):
                if not sheet.rows.empty:
                    yield page_of("invitations", number, sheet.rows, api.clock.now())
                    if api.one_page:
                        break

    def read(self, page: Page) -> Iterator[Frame]:
        """The page's responses or invitations."""
        if page.stream == "invitations":
            yield self.read_invitations(self.sheet_of(page))
        else:
            yield from self.read_responses(self.sheet_of(page))

    def sheet_of(self, page: Page) -> Sheet:
        """The rows as they stand in the spreadsheet."""
        return Sheet(page.label, rows_of(page))

    def numbered(self, sheet: Sheet, stamps: pd.Series[Any]) -> pd.Series[Any]:
        """`<timestamp>-<occurrence>`, counted over all pages."""
        return (stamps + "-" + sheet.rows[OCCURRENCE]).astype(object).where(stamps != "", None)

    def _read(self, api: Api, title: str, counts: dict[str, int]) -> Iterator[Sheet]:
        """A sheet of the spreadsheet, some thousand rows at a time, without its blank rows."""
        if title not in counts:
            raise SourceError(f"the spreadsheet has no sheet {title} (it has: {', '.join(counts)})")
        header: list[str] = []
        above: list[str] | None = None
        first, count = 1, counts[title]
        while first < count or above is None:
            last = min(first + self.rows_per_request, count)
            rows = self._range(api, title, first, last)
            if above is None:
                header = unique([cell.strip() for cell in rows[0]])
                if not header:
                    raise SourceError(f"the first row of sheet {title} is blank; a form writes its questions there")
            elif rows[0] != above:
                raise SourceError(f"row {first} of sheet {title} changed while it was read; do not sort or delete rows at night")
            # A cell without a header above it belongs to no question.
            filled = {
                first + place: [*row, *[""] * len(header)][: len(header)] for place, row in enumerate(rows) if place and any(row)
            }
            yield Sheet(title, pd.DataFrame.from_dict(filled, orient="index", columns=header, dtype="str"))
            above, first = rows[-1], last

    def _range(self, api: Api, title: str, first: int, last: int) -> list[list[str]]:
        doubled = title.replace("'", "''")
        cells = quote(f"'{doubled}'!{first}:{last}", safe="")
        shown = {"majorDimension": "ROWS", "valueRenderOption": "FORMATTED_VALUE"}
        answer = api.get(f"v4/spreadsheets/{self.spreadsheet}/values/{cells}", shown).body
        if "range" not in answer:
            raise SourceError(f"the answer for rows {first} to {last} of sheet {title} is no range of cells")
        rows = [[str(cell) for cell in row] for row in answer.get("values", [])]
        return rows + [[] for _ in range(last - first + 1 - len(rows))]

    def _require_zone(self, name: str, window: Window) -> None:
        theirs = ZoneInfo(name)
        moments = window.instants(self.zone)
        if any(moment.astimezone(theirs).utcoffset() != moment.astimezone(self.zone).utcoffset() for moment in moments):
            what = f"the spreadsheet's times are those of {name}, the connection's of {self.time_zone}"
            raise SourceError(f"{what}; correct time_zone, or the spreadsheet's own under File > Settings")


class _ServiceAccount(TokenAuth):
    """Trades an assertion signed with the account's private key for a token (RFC 7523)."""

    def __init__(self, variable: str, secrets: Secrets, now: Now) -> None:
        super().__init__(secrets, now)
        try:
            given = json.loads(secrets[variable])
            self._mail, self._url, private = str(given["client_email"]), str(given["token_uri"]), given["private_key"].encode()
            self._key: Any = load_pem_private_key(private, password=None)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Not chained: the message of such an error may quote the key.
            raise SourceError(f"{variable} holds no key of a service account; give it the whole JSON file") from None
        checked_base(self._url)
        secrets.learn(given["private_key"])

    def token_request(self) -> httpx.Request:
        issued = int(self.now().timestamp())
        claims = {"iss": self._mail, "scope": SCOPE, "aud": self._url, "iat": issued, "exp": issued + LASTS}
        assertion = jwt.encode(claims, self._key, algorithm="RS256")
        self.secrets.learn(assertion)
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        return httpx.Request("POST", self._url, data=form, headers={"Accept": "application/json"})

    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        answer = response.json()
        return str(answer["access_token"]), float(answer["expires_in"])


def _count(same: Counter[str], stamp: str) -> int:
    same[stamp] += 1
    return same[stamp]
