"""Instagram: followers and views of our account, and the counters of its posts, reels and stories, over Meta's Graph API.

Data flow (all below <url>): <account> and <account>/insights -> sns.accounts; <account>/media and <account>/stories, each with
<media>/insights -> sns.posts.

Quirks:
- Stories and their numbers vanish 24 hours after they were posted. A pull at the same hour each night sees each of them once.
- A number that does not exist is an empty set, not 0: it stays empty here as well. So it is where a story had fewer than five
  viewers (code 10), and where a post is older than the professional account (subcode 2108006).
- `impressions` ended on 2025-04-21; `views` took their place, and land as impressions. They come up to 48 hours late, so that the
  account's reach and views of a day may still rise after they have been read.
- Counters of posts are shown as they are now alone; posts older than `post_days` are no longer read.
- Replies to stories in Japan and Europe are not told: the 0 that is sent in their place is not taken in.

    brand_instagram:
      source: sns
      kind: instagram
      account_id: "17841400000000000"
      secret: INSTAGRAM_TOKEN
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sources.connection import Frame, Window
from pipelines.sources.http import Answer, Api
from pipelines.sources.live import Page, reading_day
from pipelines.sources.mapped import Unit, units
from pipelines.sources.sns.live import rows_of
from pipelines.sources.sns.meta import LISTED, GraphRefused, MetaAccount, insights

FIELDS = "id,media_type,media_product_type,timestamp,like_count,comments_count"
METRICS = {"STORY": "reach,views,shares"}  # of a media product; of the others:
OTHER_METRICS = "reach,views,saved,shares"
TOO_FEW_VIEWERS, BEFORE_CONVERSION = 10, 2108006  # a code and a subcode
ACCOUNT = units(
    {
        "followers": "followers_count",
        "following": Unit(path="follows_count", optional=True),
        "posts_total": "media_count",
        "reach": Unit(path="_told.reach", optional=True),
        "impressions": Unit(path="_told.views", optional=True),
    }
)
POST = units(
    {
        "post_id": "id",
        "posted_at": "timestamp",
        "post_type": "_type",
        "likes": Unit(path="like_count", optional=True),  # not of stories, nor where the owner hides them
        "replies": Unit(path="comments_count", optional=True),
        "impressions": Unit(path="_told.views", optional=True),
        "reach": Unit(path="_told.reach", optional=True),
        "saves": Unit(path="_told.saved", optional=True),
        "reposts": Unit(path="_told.shares", optional=True),
    }
)
PRODUCTS = {"STORY": "story", "REELS": "reel"}
TYPES = {"IMAGE": "image", "VIDEO": "video", "CAROUSEL_ALBUM": "carousel"}


class Instagram(MetaAccount):
    """One of our professional accounts on Instagram."""

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The account, then its stories and its posts, where the window holds the day of reading. Stories first: they vanish."""
        if not self.takes_readings(api, window):
            return
        account = api.get(self.account_id, {"fields": "followers_count,follows_count,media_count"}).body
        yield Page("accounts", 1, 1, [{**account, "_told": self._of_day(api)}], api.clock.now())
        for edge in ("stories", "media"):
            yield from self._posts(api, edge)

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes."""
        name, columns = ("accounts", ACCOUNT) if page.stream == "accounts" else ("posts", POST)
        records = [{**record, "_type": _type(record)} for record in page.records]
        yield Frame(name, rows_of(self, page, name, records, columns, "instagram", self.account_id))

    def _posts(self, api: Api, edge: str) -> Iterator[Page]:
        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            del link
            return api.get(f"{self.account_id}/{edge}", {"fields": FIELDS, **extra})

        for page in self.young_posts(api, edge, send, LISTED, "timestamp"):
            yield page._replace(records=[{**post, "_told": _of_post(api, post)} for post in page.records])

    def _of_day(self, api: Api) -> dict[str, Any]:
        """Reach and views of the account on the day of reading."""
        day = reading_day(api.clock.now(), self.zone)
        first, after = Window(day, day).instants(self.zone)
        asked = {"metric": "reach,views", "period": "day", "metric_type": "total_value"}
        ends = {"since": int(first.timestamp()), "until": int(min(after, api.clock.now()).timestamp())}
        return insights(api.get(f"{self.account_id}/insights", {**asked, **ends}).body["data"])


def _of_post(api: Api, post: Mapping[str, Any]) -> dict[str, Any]:
    metrics = METRICS.get(post.get("media_product_type", ""), OTHER_METRICS)
    try:
        return insights(api.get(f"{post['id']}/insights", {"metric": metrics}).body["data"])
    except GraphRefused as refused:
        if refused.code == TOO_FEW_VIEWERS and "viewers" in str(refused):  # the code alone may mean a right that is missing
            return {}
        if refused.subcode == BEFORE_CONVERSION:
            return {}
        raise


def _type(record: Mapping[str, Any]) -> str | None:
    return PRODUCTS.get(record.get("media_product_type", "")) or TYPES.get(record.get("media_type", ""))
