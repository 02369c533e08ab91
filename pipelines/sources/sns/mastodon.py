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
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from pipelines.sources.auth import Bearer
from pipelines.sources.connection import Frame, SourceError
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import Page
from pipelines.sources.mapped import Unit, units
from pipelines.sources.paging import LinkHeader
from pipelines.sources.sns.live import Conversation, instant, rows_of
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


class Mastodon(Conversation):
    """One of our accounts on a server that speaks Mastodon's API; `url` only where that is not the server in the handle."""

    handle: str = Field(pattern=r"^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")
    secret: Secret

    @property
    def base(self) -> str:
        """The server that the handle names, unless `url` names another."""
        return super().base if self.url else f"https://{self.handle.rpartition('@')[2]}/"

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """Our server, with the application's access token."""
        auth = Bearer(type="bearer", secret=self.secret).make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def account(self, api: Api) -> Any:
        """The account that the token belongs to, which has to be ours."""
        account = api.get("api/v1/accounts/verify_credentials").body
        if account["username"].lower() != self.handle.partition("@")[0].lower():
            raise SourceError(f"the access token belongs to another account than {self.handle}")
        return account

    def posts(self, api: Api, account: Any, oldest: datetime, reads: bool) -> Iterator[Page]:
        """What we wrote to more than one person."""
        path = f"api/v1/accounts/{account['id']}/statuses"
        for page in _listed(api, "posts", path, {"exclude_reblogs": "true"}, oldest):
            yield page._replace(records=[post for post in page.records if post.get("visibility") != "direct"])

    def answered(self, post: Any) -> tuple[str, str] | None:
        """The number of the post it replies to."""
        return (post["in_reply_to_id"], post["created_at"]) if post.get("in_reply_to_id") else None

    def mentions(
        self, api: Api, account: Any, since: datetime, oldest: datetime, replies: Mapping[str, str]
    ) -> Iterator[Page]:
        """Notifications, letters left out."""
        for page in _listed(api, "mentions", "api/v1/notifications", {"types[]": list(REASONS)}, oldest):
            changed = []
            for one in page.records:
                post = one.get("status") or {}
                replied = replies.get(post.get("id", ""))
                last = max(filter(None, (one["created_at"], replied)), key=instant)
                # Not every server knows the filter by type.
                if one["type"] in REASONS and post and post.get("visibility") != "direct" and instant(last) >= since:
                    told = {"_author": self._full(one["account"]["acct"]), "_text": _text(post["content"])}
                    changed.append({**one, **told, "_replied": replied, "_changed": last})
            yield page._replace(records=changed)

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes; a mention to the day it was last changed."""
        columns = {"accounts": ACCOUNT, "posts": POST, "mentions": MENTION}[page.stream]
        records = [{**record, "_type": _type(record)} for record in page.records]
        yield Frame(page.stream, rows_of(self, page, page.stream, records, columns, "mastodon", self.handle))

    def _full(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self.handle.rpartition('@')[2]}"


def _listed(api: Api, name: str, path: str, asked: Mapping[str, Any], oldest: datetime) -> Iterator[Page]:
    """The pages of a list that begins with the newest, as far back as `oldest`."""

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        return api.get(link or path, None if link else {**asked, **extra})

    def is_over(found: Sequence[Any]) -> bool:
        return bool(found) and all(instant(one["created_at"]) < oldest for one in found)

    return read_list(api, name, send, paging=PAGING, is_over=is_over)


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
