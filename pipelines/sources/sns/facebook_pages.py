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

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sources.connection import Frame, Window
from pipelines.sources.expressions import first
from pipelines.sources.http import Answer, Api
from pipelines.sources.live import Page
from pipelines.sources.mapped import Unit, units
from pipelines.sources.paging import NextLink
from pipelines.sources.sns.live import rows_of
from pipelines.sources.sns.meta import MetaAccount, insights

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


class FacebookPages(MetaAccount):
    """One of our pages on Facebook."""

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The page and its posts, where the window holds the day of reading."""
        if not self.takes_readings(api, window):
            return
        yield Page("accounts", 1, 1, [api.get(self.account_id, {"fields": "followers_count"}).body], api.clock.now())

        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            return api.get(link or f"{self.account_id}/published_posts", None if link else {"fields": FIELDS, **extra})

        yield from self.young_posts(api, "posts", send, PAGING, "created_time")

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes."""
        columns = {"accounts": ACCOUNT, "posts": POST}[page.stream]
        records = [
            {**record, "_type": _type(record), "_told": insights(first("insights.data", record) or [])} for record in page.records
        ]
        yield Frame(page.stream, rows_of(self, page, page.stream, records, columns, "facebook", self.account_id))


def _type(record: Mapping[str, Any]) -> str:
    media = first("attachments.data[0].media_type", record)
    return "text" if media is None else TYPES.get(media, "other")
