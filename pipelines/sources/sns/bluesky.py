"""Bluesky: our account's followers, the counters of our posts, and what others write to us, over the AT protocol.

Data flow (all below <url>/xrpc/): app.bsky.actor.getProfile -> sns.accounts; app.bsky.feed.getAuthorFeed -> sns.posts;
app.bsky.notification.listNotifications and app.bsky.feed.getPosts -> sns.mentions.

Quirks:
- The sign-in is an app password (Settings > Privacy and security > App passwords). 30 sign-ins in 5 minutes are allowed, and 300
  a day; one is used for a pull. An ended token is refused with 400 and `ExpiredToken`, not with 401.
- Counters are shown as they are now alone. Posts older than `post_days` are no longer read. What we repost stands in our feed,
  but is not ours. Bluesky does not tell impressions; quotes are counted apart from reposts and are not taken in.
- The feed's last page may be empty, with a cursor before it.
- A mention is a notification of a mention, a reply or a quote. It lands again on the day of our first reply, looked for among
  `reply_days` days of our own posts. A notification that is no longer there is a post that was deleted or taken down.
- An address of a post (at://did:plc:.../app.bsky.feed.post/3k...) names its author, who is a person: `post_id` is its last part.

    brand_bluesky:
      source: sns
      kind: bluesky
      handle: minamo-chaka.bsky.social
      secret: BLUESKY_APP_PASSWORD
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import SessionLogin
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, Unit, units
from pipelines.sources.paging import Cursor
from pipelines.sources.sns.live import READINGS, on_day_of_reading
from pipelines.sources.streams import read_list

PAGE, MOST_POSTS = 100, 25  # records of a list, and posts asked for by address: the most the protocol allows
CURSOR = Cursor(type="cursor", path="cursor", size_param="limit", size=PAGE)
REASONS = ("mention", "reply", "quote")
ACCOUNT = units({"followers": "followersCount", "following": "followsCount", "posts_total": "postsCount"})
POST = units(
    {
        "post_id": "uri",
        "posted_at": "record.createdAt",
        "post_type": "_type",
        "likes": "likeCount",
        "replies": "replyCount",
        "reposts": "repostCount",
        "saves": Unit(path="bookmarkCount", optional=True),  # not on every server yet
    }
)
MENTION = units(
    {
        "post_id": "uri",
        "author_pid": "author.handle",
        "posted_at": "record.createdAt",
        "text": "record.text",
        "likes": Unit(path="_post.likeCount", optional=True),
        "replies": Unit(path="_post.replyCount", optional=True),
        "reposts": Unit(path="_post.repostCount", optional=True),
        "first_reply_at": Unit(path="_replied", optional=True),
        "updated_at": "_changed",
        "business_date": "indexedAt",
    }
)
TYPES = {"images": "image", "video": "video", "external": "link", "record": "quote", "recordWithMedia": "quote"}


class Bluesky(LiveConnection):
    """One of our accounts on Bluesky, or on a data server of one's own (`url`)."""

    source: ClassVar[str] = "sns"
    tables: ClassVar[tuple[str, ...]] = ("accounts", "posts", "mentions")
    readings: ClassVar[frozenset[str]] = READINGS

    url: str = "https://bsky.social/"
    handle: str = Field(pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")
    secret: Secret
    post_days: int = Field(default=90, ge=1)
    reply_days: int = Field(default=14, ge=0)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The account's own data server, which hands questions on to the AppView."""
        login = SessionLogin(
            type="session",
            path="xrpc/com.atproto.server.createSession",
            body={"identifier": self.handle},
            secrets={"password": self.secret},
            token="accessJwt",  # noqa: S106  # the field it stands in
            expired=("ExpiredToken", "InvalidToken"),
        )
        auth = login.make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """The profile and our posts where the window holds the day of reading; then the mentions that changed in the window."""
        profile = api.get("xrpc/app.bsky.actor.getProfile", {"actor": self.handle})
        own = profile.body["did"]
        since, _ = window.instants(self.zone, self.overlap)
        replies: dict[str, str] = {}
        oldest = since - timedelta(days=self.reply_days)
        reads = self.takes_readings(api, window)
        if reads:
            yield Page("accounts", 1, 1, [profile.body], api.clock.now())
            oldest = min(oldest, api.clock.now() - timedelta(days=self.post_days))
        for page in self._feed(api, own, oldest):
            posts = [item["post"] for item in page.records if "reason" not in item and item["post"]["author"]["did"] == own]
            _note_replies(posts, replies)
            if reads:
                yield page._replace(records=posts)
        yield from self._mentions(api, since, replies)

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes; a mention to the day it was last changed."""
        columns = {"accounts": ACCOUNT, "posts": POST, "mentions": MENTION}[page.stream]
        records = [{**record, "_type": _type(record)} for record in page.records]
        context = Context(self, platform="bluesky")
        rows = mapped.rows(table(self.source, page.stream), records, columns, context, label=page.label, start=page.start)
        rows["platform"], rows["account_id"] = "bluesky", self.handle
        if page.stream != "accounts":
            rows["post_id"] = [record["uri"].rpartition("/")[2] for record in records]
        yield Frame(page.stream, rows if page.stream == "mentions" else on_day_of_reading(rows, page, self))

    def _feed(self, api: Api, own: str, oldest: datetime) -> Iterator[Page]:
        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            del link
            asked = {"actor": own, "filter": "posts_with_replies", **extra}
            return api.get("xrpc/app.bsky.feed.getAuthorFeed", asked)

        def is_over(found: Sequence[Any]) -> bool:
            return bool(found) and all(_instant(item["post"]["indexedAt"]) < oldest for item in found)

        yield from read_list(api, "posts", send, paging=CURSOR, records="feed", is_over=is_over)

    def _mentions(self, api: Api, since: datetime, replies: Mapping[str, str]) -> Iterator[Page]:
        oldest = since - timedelta(days=self.reply_days)

        def send(extra: Mapping[str, Any], link: str | None) -> Answer:
            del link
            return api.get("xrpc/app.bsky.notification.listNotifications", extra)

        def is_over(found: Sequence[Any]) -> bool:
            return bool(found) and all(_instant(one["indexedAt"]) < oldest for one in found)

        listed = read_list(api, "mentions", send, paging=CURSOR, records="notifications", is_over=is_over)
        for page in listed:
            changed = []
            for one in page.records:
                replied = replies.get(one["uri"])
                last = max(filter(None, (one["indexedAt"], replied)), key=_instant)
                if one["reason"] in REASONS and _instant(last) >= since:
                    changed.append({**one, "_replied": replied, "_changed": last})
            posts = _posts(api, [one["uri"] for one in changed])
            yield page._replace(records=[{**one, "_post": posts.get(one["uri"])} for one in changed])


def _posts(api: Api, addresses: Sequence[str]) -> dict[str, Any]:
    """The posts at the addresses, with their counters; one that is gone is left out."""
    found: dict[str, Any] = {}
    for start in range(0, len(addresses), MOST_POSTS):
        answer = api.get("xrpc/app.bsky.feed.getPosts", {"uris": addresses[start : start + MOST_POSTS]})
        found |= {post["uri"]: post for post in answer.body["posts"]}
    return found


def _note_replies(posts: Iterable[Any], replies: dict[str, str]) -> None:
    """Keep, for each post that `posts` of ours reply to, when the first of them was written."""
    for post in posts:
        answered = (post["record"].get("reply") or {}).get("parent", {}).get("uri")
        if answered:
            written = post["record"]["createdAt"]
            replies[answered] = min(replies.get(answered, written), written, key=_instant)


def _type(record: Mapping[str, Any]) -> str | None:
    post = record.get("record")
    if post is None:
        return None
    embed = str((post.get("embed") or {}).get("$type", "")).rpartition(".")[2]
    return TYPES.get(embed) or ("reply" if post.get("reply") else "text")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
