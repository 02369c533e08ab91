"""LINE's insight API: one day per request, ready on the next day, 60 requests an hour and no word of how long to wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.line import Line


class LineAccount(Vendor):
    """The figures of our account: a record is a day's, and changes on the day after, when it is ready."""

    table, key, field, one_a_day = "accounts", "day", "followers", True
    secrets = {"LINE_CHANNEL_ACCESS_TOKEN": "channel-access-token-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.valid = self.secrets["LINE_CHANNEL_ACCESS_TOKEN"]
        self.counted_until = "99999999"
        self.days: dict[int, str] = {}

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "line", "kind": "line", "url": url, "account_id": "@brand", "secret": "LINE_CHANNEL_ACCESS_TOKEN"}
        return Line.model_validate({**entry, **options})

    def key_of(self, number: int) -> str:
        return self.days[number]

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        day = (changed + timedelta(hours=9)).date() - timedelta(days=1)
        self.days[number] = day.isoformat()
        return {"date": f"{day:%Y%m%d}", "followers": 7620 + number, "targetedReaches": 5848, "blocks": 237}

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
        if day > self.counted_until:
            return Reply({"status": "unready"})
        found = [record for record in self.records if record["date"] == day]
        if not found:
            return Reply({"status": "out_of_service"})
        return Reply({"status": "ready", **{name: value for name, value in found[0].items() if name != "date"}})
