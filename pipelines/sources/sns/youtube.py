"""YouTube: our channel's subscribers and the counters of its videos, over the Data API v3.

Data flow (all below <url>): channels -> sns.accounts; playlistItems of the channel's uploads, then videos for 50 of them at a
time -> sns.posts.

Quirks:
- An API key shows what everybody sees, which is all that is read. The quota of a project is 10,000 units a day and begins anew at
  midnight Pacific time; each request costs one, so a channel of 1,000 videos costs some 40.
- The number of subscribers is rounded down to three digits, and empty where the channel hides it (`hiddenSubscriberCount`).
- The list of uploads is not sorted by when a video became public: it is read to its end, and videos older than `post_days` are
  left out. A video that is announced, but not yet shown, has no counters.
- Likes or comments that the owner hides or switches off are missing: unknown, not 0. Shorts are videos: the API does not tell.
- Counters are shown as they are now alone.

    brand_youtube:
      source: sns
      kind: youtube
      channel: UC_x5XG1OV2P6uZZ5FSM9Ttw
      auth: {type: header, header: X-Goog-Api-Key, secret: YOUTUBE_API_KEY}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, model_validator

from pipelines.sources.connection import Frame, SourceError, Window
from pipelines.sources.http import Answer, Api, Refused
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Unit, units
from pipelines.sources.paging import Cursor
from pipelines.sources.sns.live import rows_of
from pipelines.sources.streams import read_list

MOST = 50  # records of a list, and videos asked for by number: the most the API allows
PAGING = Cursor(type="cursor", path="nextPageToken", param="pageToken", size_param="maxResults", size=MOST)
ACCOUNT = units({"followers": Unit(path="_followers", optional=True), "posts_total": "statistics.videoCount"})
POST = units(
    {
        "post_id": "id",
        "posted_at": "snippet.publishedAt",
        "post_type": "_type",
        "views": "statistics.viewCount",
        "likes": Unit(path="statistics.likeCount", optional=True),
        "replies": Unit(path="statistics.commentCount", optional=True),
    }
)


class YouTube(LiveConnection):
    """One of our channels on YouTube."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts")
    readings: ClassVar[frozenset[str]] = frozenset({"accounts", "posts"})

    url: str = "https://www.googleapis.com/youtube/v3/"
    channel: str = Field(pattern=r"^UC[A-Za-z0-9_-]{22}$")
    post_days: int = Field(default=365, ge=1)

    @model_validator(mode="after")
    def _signed_in(self) -> YouTube:
        if self.auth is None:
            raise ValueError("auth is missing: header with an API key in X-Goog-Api-Key, or refresh_token")
        return self

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The channel and its videos, where the window holds the day of reading."""
        if not self.takes_readings(api, window):
            return
        found = _ask(api, "channels", {"part": "statistics,contentDetails", "id": self.channel}).body
        if not found.get("items"):
            raise SourceError(f"{found['kind']}: there is no channel {self.channel}")
        (channel,) = found["items"]
        yield Page("accounts", 1, 1, [channel], api.clock.now())
        oldest = api.clock.now() - timedelta(days=self.post_days)
        for page in self._uploads(api, channel["contentDetails"]["relatedPlaylists"]["uploads"]):
            yield page._replace(records=_videos(api, [number for number, day in _published(page.records) if day >= oldest]))

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes."""
        records = [{**record, "_type": _type(record), "_followers": _followers(record)} for record in page.records]
        columns = {"accounts": ACCOUNT, "posts": POST}[page.stream]
        yield Frame(page.stream, rows_of(self, page, page.stream, records, columns, "youtube", self.channel))

    def _uploads(self, api: Api, playlist: str) -> Iterator[Page]:
        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            del link
            return _ask(api, "playlistItems", {"part": "contentDetails", "playlistId": playlist, **extra})

        yield from read_list(api, "posts", send, paging=PAGING, records="items")


def _ask(api: Api, path: str, params: Mapping[str, Any]) -> Answer:
    try:
        return api.get(path, params)
    except Refused as refused:
        if refused.status == 403 and "quota" in str(refused):
            raise SourceError("the quota of the Google project is used up; it begins anew at midnight Pacific time") from None
        raise


def _published(items: Sequence[Any]) -> Iterator[tuple[str, datetime]]:
    """Number and day of each video of the list that is public; a private one has no day."""
    for item in items:
        if "videoPublishedAt" in item["contentDetails"]:
            yield item["contentDetails"]["videoId"], datetime.fromisoformat(item["contentDetails"]["videoPublishedAt"])


def _videos(api: Api, numbers: Sequence[str]) -> list[Any]:
    """The videos with their counters, without those that are only announced."""
    if not numbers:
        return []
    parts = {"part": "snippet,statistics,liveStreamingDetails", "id": ",".join(numbers), "maxResults": MOST}
    found = _ask(api, "videos", parts).body["items"]
    return [video for video in found if video["snippet"]["liveBroadcastContent"] != "upcoming"]


def _type(record: Mapping[str, Any]) -> str:
    return "live" if "liveStreamingDetails" in record else "video"


def _followers(record: Mapping[str, Any]) -> Any:
    counted = record.get("statistics", {})
    return None if counted.get("hiddenSubscriberCount") else counted.get("subscriberCount")
