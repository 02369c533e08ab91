"""Google Sheets and Google's token server: assertions whose signature is verified, ranges without blank ends, grid limits."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.survey.google_sheets import GoogleSheets

TITLE = "フォームの回答 1"
MAIL = "pulls@minamo.iam.gserviceaccount.com"
COLUMNS = ("タイムスタンプ", "番号", "メールアドレス", "満足度", "理由", "ご意見")
TOKYO = ZoneInfo("Asia/Tokyo")


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(token_uri: str) -> str:
    pem = private_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return json.dumps({"type": "service_account", "client_email": MAIL, "private_key": pem.decode(), "token_uri": token_uri})


class Spreadsheet(Vendor):
    """The response sheet of a form, with blank rows below the last response."""

    table, key, field, renews = "answers", "response_id", "満足度", True
    blank_rows = 2
    zone = "Asia/Tokyo"

    def __init__(self) -> None:
        super().__init__()
        self.secrets = {}
        self.tabs: dict[str, list[list[str]]] = {}  # beside the responses

    def connection(self, url: str, **options: Any) -> LiveConnection:
        self.secrets = {"GOOGLE_SERVICE_ACCOUNT": key_file(f"{url}token")}
        self.audience = f"{url}token"
        questions = {"満足度": {"code": "csat", "kind": "csat"}, "理由": {"code": "why", "kind": "multiple"},
                     "ご意見": {"code": "note", "kind": "text"}}  # fmt: skip
        entry = {
            "name": "pulse", "kind": "google_sheets", "url": url, "spreadsheet": "1AbC-d_9", "secret": "GOOGLE_SERVICE_ACCOUNT",
            "survey": {"id": "visitors", "audience": "customer", "mode": "identified"}, "wave": {"every": "month"},
            "answered_at": "タイムスタンプ", "response_id": "番号", "respondent": {"column": "メールアドレス", "as": "mail"},
            "questions": questions, "rows_per_request": self.page,
        }  # fmt: skip
        return GoogleSheets.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        shown = f"{changed.astimezone(TOKYO):%Y/%m/%d %-H:%M:%S}"
        cells = (shown, str(number), f"hanako{number}@example.jp", str(number % 5 + 1), "味, 価格", "花子です")
        return dict(zip(COLUMNS, cells, strict=True))

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/token":
            return None
        assert request.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        try:
            claims = jwt.decode(
                request.form["assertion"], private_key().public_key(), algorithms=["RS256"], audience=self.audience,
                options={"require": ["iss", "scope", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            return Reply({"error": "invalid_grant", "error_description": str(error)}, 400)
        assert claims["iss"] == MAIL
        assert claims["scope"] == "https://www.googleapis.com/auth/spreadsheets.readonly"
        assert 0 < claims["exp"] - claims["iat"] <= 3600
        return Reply({"access_token": self.issue(), "expires_in": 3599, "token_type": "Bearer"})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"error": {"code": 401, "message": "Request had invalid authentication credentials."}}, 401)

    def throttle(self) -> Reply:
        message = "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'"
        return Reply({"error": {"code": 429, "message": message}}, 429, {"Retry-After": "20"})

    def grid(self, title: str) -> list[list[str]]:
        """All rows of a sheet, with the blank ones below."""
        if title in self.tabs:
            return self.tabs[title]
        header = list(dict.fromkeys(name for record in self.records for name in record)) or list(COLUMNS)
        rows = [[str(record.get(name, "")) for name in header] for record in self.records]
        return [header, *rows, *[[] for _ in range(self.blank_rows)]]

    def answer(self, request: Request) -> Reply:
        path = unquote(request.path)
        if path == "/v4/spreadsheets/1AbC-d_9":
            titles = [TITLE, *self.tabs]
            sheets = [{"properties": {"title": one, "gridProperties": {"rowCount": len(self.grid(one))}}} for one in titles]
            return Reply({"properties": {"timeZone": self.zone}, "sheets": [{"properties": {"title": "Chart1"}}, *sheets]})
        found = re.fullmatch(r"/v4/spreadsheets/1AbC-d_9/values/'(.+)'!(\d+):(\d+)", path)
        assert found is not None, path
        assert request.query["valueRenderOption"] == "FORMATTED_VALUE"
        rows, first, last = self.grid(found[1].replace("''", "'")), int(found[2]), int(found[3])
        if last > len(rows) or first > last:
            message = f"Range ({path.rpartition('/')[2]}) exceeds grid limits. Max rows: {len(rows)}, max columns: 26"
            return Reply({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}, 400)
        values = [_cut(row) for row in rows[first - 1 : last]]
        while values and not values[-1]:
            values.pop()
        return Reply({"range": path.rpartition("/")[2], "majorDimension": "ROWS"} | ({"values": values} if values else {}))


def _cut(row: list[str]) -> list[str]:
    return row[: max((place + 1 for place, cell in enumerate(row) if cell), default=0)]
