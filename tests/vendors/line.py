"""LINE's insight API: one day per request, counted on the next day, 60 requests an hour and no word of how long to wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.line import Line

FIRST = "20261101"  # LINE counts from here on


class LineAccount(Vendor):
    """The figures of our account. A record is a day's, so that the suite's several a second do not fit it."""

    table, key, field = "accounts", "day", "followers"
    secrets = {"LINE_CHANNEL_ACCESS_TOKEN": "channel-access-token-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.valid = self.secrets["LINE_CHANNEL_ACCESS_TOKEN"]
        self.counted_until = "20261125"
        self.asked_at: list[datetime] = []

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "line", "kind": "line", "url": url, "account_id": "@brand", "secret": "LINE_CHANNEL_ACCESS_TOKEN"}
        return Line.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        day = f"{changed + timedelta(hours=9):%Y%m%d}"
        return {"date": day, "followers": 7620 + number, "targetedReaches": 5848, "blocks": 237}

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply(
            {"message": "Authentication failed. Confirm that the access token in the authorization header is valid."}, 401
        )

    def throttle(self) -> Reply:
        return Reply({"message": "The API rate limit has been exceeded. Try again later."}, 429)

    def answer(self, request: Request) -> Reply:
        assert request.path == "/insight/followers"
        day = request.query["date"]
        if day < FIRST:
            return Reply({"status": "out_of_service"})
        if day > self.counted_until:
            return Reply({"status": "unready"})
        found = next(record for record in self.records if record["date"] == day)
        return Reply({"status": "ready", **{name: value for name, value in found.items() if name != "date"}})
