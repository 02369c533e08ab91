"""LINE: friends and blocks of our official account day by day, over the Messaging API's insight.

Data flow: <url>insight/followers?date=<day>, one request per day -> sns.accounts.

Quirks:
- A day's figures are counted after it has ended, and are ready some time during the next day. They land as of that next day:
  the night after 26 November reads the 25th. Past days stay there and can be landed at any time.
- `followers` never falls: friends who block the account, or leave LINE, stay in it. Friends are `followers` - `blocks`.
- `reach` holds the friends that messages by attribute can reach (`targetedReaches`); it is missing where too few are known.
- A day before LINE began to count (`out_of_service`) has no row. LINE's days are those of Japan.
- 60 requests an hour are allowed and a refusal does not say how long it lasts, so that requests go out one a minute.

    brand_line:
      source: sns
      kind: line
      account_id: "@minamo"
      secret: LINE_CHANNEL_ACCESS_TOKEN
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import Bearer
from pipelines.sources.connection import Frame, SourceError, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Api, Clock, Tell
from pipelines.sources.layouts import midnight
from pipelines.sources.limits import Limits
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units

READY_AFTER = timedelta(days=1)
ACCOUNT = units(
    {"followers": "followers", "blocks": "blocks", "reach": Unit(path="targetedReaches", optional=True), "day": "_day"}
)


class Line(LiveConnection):
    """One of our official accounts on LINE."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts",)

    url: str = "https://api.line.me/v2/bot/"
    time_zone: Literal["Asia/Tokyo"] = "Asia/Tokyo"
    limits: Limits = Limits(per_minute=1)
    account_id: str = Field(min_length=1)
    secret: Secret

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The channel, with its access token."""
        auth = Bearer(type="bearer", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The figures that became ready on the days of the window. SourceError where they should be, and are not."""
        days = (window.end - window.start).days + 1
        for number, back in enumerate(range(days), start=1):
            day = window.end - READY_AFTER - timedelta(days=back)
            found = api.get("insight/followers", {"date": f"{day:%Y%m%d}"}).body
            if found["status"] == "ready":
                yield Page("accounts", number, number, [{**found, "_day": day.isoformat()}], api.clock.now())
                if api.one_page:
                    return
            elif found["status"] == "unready" and not api.one_page:
                raise SourceError(f"LINE has not counted {day} yet; the next run reads it")

    def read(self, page: Page) -> Iterator[Frame]:
        """A day's figures, as of the day on which they became ready."""
        context = Context(self, platform="line")
        rows = mapped.rows(table(self.source, "accounts"), page.records, ACCOUNT, context, label=page.label, start=page.start)
        rows["platform"], rows["account_id"] = "line", self.account_id
        days = [date.fromisoformat(record["_day"]) for record in page.records]
        ready: Any = pd.Series([day + READY_AFTER for day in days], index=rows.index, dtype=object)
        rows["business_date"] = pd.Series(days, index=rows.index, dtype=object)
        rows["change_date"] = ready
        rows["updated_at"] = midnight(ready, self.zone)
        yield Frame("accounts", rows)
