"""Mastodon, and servers that speak its API: our account's followers, the counters of our posts, and what others write to us.

Data flow (all below <url>api/v1/): accounts/verify_credentials -> sns.accounts; accounts/<id>/statuses -> sns.posts;
notifications -> sns.mentions.

Quirks:
- Counters are shown as they are now alone, and are those that our server knows of: likes and reposts elsewhere reach it late or
  never. Posts older than `post_days` are no longer read. What we repost is not ours. There are no impressions.
- Direct messages stand among posts and mentions alike. They are letters: neither ours nor others' are taken in.
- A mention is a notification of a mention, a reply or a quote. It lands again on the day of our first reply, looked for among
  `reply_days` days of our own posts.
- Texts are HTML. An author on our own server is written without the server's name, which is added.

    brand_mastodon:
      source: sns
      kind: mastodon
      handle: minamo@mastodon.example.com
      secret: MASTODON_TOKEN
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import Bearer
from pipelines.sources.connection import Frame, SourceError, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units
from pipelines.sources.paging import LinkHeader
from pipelines.sources.sns.live import READINGS, on_day_of_reading
from pipelines.sources.streams import read_list

PAGING = LinkHeader(type="link_header", size_param="limit", size=40)  # records of a list: the most the API allows for posts
REASONS = ("mention", "quote")
ACCOUNT = units({"followers": "followers_count", "following": "following_count", "posts_total": "statuses_count"})
POST = units(
    {
        "post_id": "id",
        "posted_at": "created_at",
        "post_type": "_type",
        "likes": "favourites_count",
        "replies": "replies_count",
        "reposts": "reblogs_count",
    }
)
MENTION = units(
    {
        "post_id": "status.id",
        "author_pid": "_author",
        "author_followers": Unit(path="account.followers_count", optional=True),
        "posted_at": "status.created_at",
        "text": "_text",
        "likes": "status.favourites_count",
        "replies": "status.replies_count",
        "reposts": "status.reblogs_count",
        "first_reply_at": Unit(path="_replied", optional=True),
        "updated_at": "_changed",
        "business_date": "created_at",
    }
)
TYPES = {"image": "image", "video": "video", "gifv": "video", "audio": "audio"}


class Mastodon(LiveConnection):
    """One of our accounts on a server that speaks Mastodon's API; `url` only where that is not the server in the handle."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts", "mentions")
    readings: ClassVar[frozenset[str]] = READINGS

    handle: str = Field(pattern=r"^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")
    secret: Secret
    post_days: int = Field(default=90, ge=1)
    reply_days: int = Field(default=14, ge=0)

    @property
    def base(self) -> str:
        """The server that the handle names, unless `url` names another."""
        return super().base if self.url else f"https://{self.handle.rpartition('@')[2]}/"

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Our server, with the application's access token."""
        auth = Bearer(type="bearer", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The account and our posts where the window holds the day of reading; then the mentions that changed in the window."""
        account = api.get("api/v1/accounts/verify_credentials").body
        if account["username"].lower() != self.handle.partition("@")[0].lower():
            raise SourceError(f"the access token belongs to another account than {self.handle}")
        since, _ = window.instants(self.zone, self.overlap)
        replies: dict[str, str] = {}
        oldest = since - timedelta(days=self.reply_days)
        reads = self.takes_readings(api, window)
        if reads:
            yield Page("accounts", 1, 1, [account], api.clock.now())
            oldest = min(oldest, api.clock.now() - timedelta(days=self.post_days))
        asked = {"exclude_reblogs": "true"}
        for page in _listed(api, "posts", f"api/v1/accounts/{account['id']}/statuses", asked, oldest):
            posts = [post for post in page.records if post.get("visibility") != "direct"]
            _note_replies(posts, replies)
            if reads:
                yield page._replace(records=posts)
        yield from self._mentions(api, since, replies)

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes; a mention to the day it was last changed."""
        columns = {"accounts": ACCOUNT, "posts": POST, "mentions": MENTION}[page.stream]
        records = [{**record, "_type": _type(record)} for record in page.records]
        context = Context(self, platform="mastodon")
        rows = mapped.rows(table(self.source, page.stream), records, columns, context, label=page.label, start=page.start)
        rows["platform"], rows["account_id"] = "mastodon", self.handle
        yield Frame(page.stream, rows if page.stream == "mentions" else on_day_of_reading(rows, page, self))

    def _mentions(self, api: Api, since: datetime, replies: Mapping[str, str]) -> Iterator[Page]:
        oldest = since - timedelta(days=self.reply_days)
        for page in _listed(api, "mentions", "api/v1/notifications", {"types[]": list(REASONS)}, oldest):
            changed = []
            for one in page.records:
                post = one.get("status") or {}
                replied = replies.get(post.get("id", ""))
                last = max(filter(None, (one["created_at"], replied)), key=_instant)
                # Not every server knows the filter by type.
                if one["type"] in REASONS and post and post.get("visibility") != "direct" and _instant(last) >= since:
                    told = {"_author": self._full(one["account"]["acct"]), "_text": _text(post["content"])}
                    changed.append({**one, **told, "_replied": replied, "_changed": last})
            yield page._replace(records=changed)

    def _full(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self.handle.rpartition('@')[2]}"


def _listed(api: Api, name: str, path: str, asked: Mapping[str, Any], oldest: datetime) -> Iterator[Page]:
    """The pages of a list that begins with the newest, as far back as `oldest`."""

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        return api.get(link or path, None if link else {**asked, **extra})

    def is_over(found: Sequence[Any]) -> bool:
        return bool(found) and all(_instant(one["created_at"]) < oldest for one in found)

    yield from read_list(api, name, send, paging=PAGING, is_over=is_over)


def _note_replies(posts: Iterable[Any], replies: dict[str, str]) -> None:
    """Keep, for each post that `posts` of ours reply to, when the first of them was written."""
    for post in posts:
        if answered := post.get("in_reply_to_id"):
            written = post["created_at"]
            replies[answered] = min(replies.get(answered, written), written, key=_instant)


def _type(record: Mapping[str, Any]) -> str:
    media = [TYPES.get(one["type"], "other") for one in record.get("media_attachments") or []]
    if media:
        return media[0]
    held = (("poll", "poll"), ("quote", "quote"), ("in_reply_to_id", "reply"), ("card", "link"))
    return next((kind for name, kind in held if record.get(name)), "text")


def _text(content: str) -> str:
    """The text of a post's HTML: paragraphs and breaks become lines."""
    lines = re.sub(r"<br\s*/?>|</p>\s*<p[^>]*>", "\n", content)
    return html.unescape(re.sub(r"<[^>]*>", "", lines))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
