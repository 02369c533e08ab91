"""Facebook pages: our page's followers and the counters of its posts, over Meta's Graph API.

Data flow (all below <url>): <page> -> sns.accounts; <page>/published_posts with their insights -> sns.posts.

Quirks:
- Followers are those who follow the page (`page_follows`), which took the place of those who like it (`page_fans`) on 2025-11-15;
  likes of the page (`fan_count`) are not read. Impressions ended on the same day: `post_media_view` lands in their place.
- A number that does not exist is an empty set, not 0: pages with fewer than 100 likes have no insights at all. A post that nobody
  shared has no `shares`; as that looks like a number that is not told, it stays empty.
- Numbers of a page's days end at midnight Pacific time, which is no day of ours: views and reach of the page are not read.
- Reactions of every kind are likes. Some lists have cursors, some have moments in their next address: the address is followed.
- Counters are shown as they are now alone; posts older than `post_days` are no longer read.

    brand_facebook:
      source: sns
      kind: facebook_pages
      account_id: "100000000000001"
      secret: FACEBOOK_PAGE_TOKEN
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.expressions import first
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units
from pipelines.sources.paging import NextLink
from pipelines.sources.sns.live import on_day_of_reading
from pipelines.sources.sns.meta import graph_api, insights
from pipelines.sources.streams import read_list

PAGING = NextLink(type="next_link", path="paging.next", size_param="limit", size=25)  # more with insights is refused as too much
METRICS = "post_media_view,post_total_media_view_unique,post_clicks"
FIELDS = ",".join(
    (
        "id,created_time,shares,attachments{media_type}",
        "reactions.limit(0).summary(total_count)",
        "comments.limit(0).summary(total_count)",
        f"insights.metric({METRICS}).period(lifetime)" + "{name,values}",
    )
)
ACCOUNT = units({"followers": "followers_count"})
POST = units(
    {
        "post_id": "id",
        "posted_at": "created_time",
        "post_type": "_type",
        "likes": "reactions.summary.total_count",
        "replies": "comments.summary.total_count",
        "reposts": Unit(path="shares.count", optional=True),
        "impressions": Unit(path="_told.post_media_view", optional=True),
        "reach": Unit(path="_told.post_total_media_view_unique", optional=True),
        "clicks": Unit(path="_told.post_clicks", optional=True),
    }
)
TYPES = {"photo": "image", "album": "carousel", "video": "video", "link": "link", "share": "link", "event": "event"}


class FacebookPages(LiveConnection):
    """One of our pages on Facebook."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts")
    readings: ClassVar[frozenset[str]] = frozenset({"accounts", "posts"})

    url: str = "https://graph.facebook.com/v24.0/"
    account_id: str = Field(pattern=r"^\d{5,}$")
    secret: Secret
    post_days: int = Field(default=90, ge=1)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The Graph API, with the page's access token."""
        return graph_api(self.base, self.secret, self.limits, secrets, clock, tell, self.name)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The page and its posts, where the window holds the day of reading."""
        if not self.takes_readings(api, window):
            return
        yield Page("accounts", 1, 1, [api.get(self.account_id, {"fields": "followers_count"}).body], api.clock.now())
        oldest = api.clock.now() - timedelta(days=self.post_days)

        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            return api.get(link or f"{self.account_id}/published_posts", None if link else {"fields": FIELDS, **extra})

        def is_older(post: Mapping[str, Any]) -> bool:
            return datetime.fromisoformat(post["created_time"]) < oldest

        def is_over(found: Sequence[Any]) -> bool:
            return bool(found) and all(map(is_older, found))

        for page in read_list(api, "posts", send, paging=PAGING, records="data", is_over=is_over):
            yield page._replace(records=[post for post in page.records if not is_older(post)])

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes."""
        columns = {"accounts": ACCOUNT, "posts": POST}[page.stream]
        records = [
            {**record, "_type": _type(record), "_told": insights(first("insights.data", record) or [])} for record in page.records
        ]
        context = Context(self, platform="facebook")
        rows = mapped.rows(table(self.source, page.stream), records, columns, context, label=page.label, start=page.start)
        rows["platform"], rows["account_id"] = "facebook", self.account_id
        yield Frame(page.stream, on_day_of_reading(rows, page, self))


def _type(record: Mapping[str, Any]) -> str:
    media = first("attachments.data[0].media_type", record)
    return "text" if media is None else TYPES.get(media, "other")
