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

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from pipelines.sources.auth import SessionLogin
from pipelines.sources.connection import Frame
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import Page
from pipelines.sources.mapped import Unit, units
from pipelines.sources.paging import Cursor
from pipelines.sources.sns.live import Conversation, instant, rows_of
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


class Bluesky(Conversation):
    """One of our accounts on Bluesky, or on a data server of one's own (`url`)."""

    url: str = "https://bsky.social/"
    handle: str = Field(pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")
    secret: Secret

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

    def account(self, api: Api) -> Any:
        """The profile."""
        return api.get("xrpc/app.bsky.actor.getProfile", {"actor": self.handle}).body

    def posts(self, api: Api, account: Any, oldest: datetime, reads: bool) -> Iterator[Page]:
        """The feed without what we repost."""
        own = account["did"]
        asked = {"actor": own, "filter": "posts_with_replies"}
        for page in _listed(api, "posts", "app.bsky.feed.getAuthorFeed", "feed", asked, oldest):
            posts = [item["post"] for item in page.records if "reason" not in item and item["post"]["author"]["did"] == own]
            yield page._replace(records=posts)

    def answered(self, post: Any) -> tuple[str, str] | None:
        """The address of the post it replies to."""
        parent = (post["record"].get("reply") or {}).get("parent", {}).get("uri")
        return (parent, post["record"]["createdAt"]) if parent else None

    def mentions(
        self, api: Api, account: Any, since: datetime, oldest: datetime, replies: Mapping[str, str]
    ) -> Iterator[Page]:
        """Notifications, each with the post's counters."""
        for page in _listed(api, "mentions", "app.bsky.notification.listNotifications", "notifications", {}, oldest):
            changed = []
            for one in page.records:
                replied = replies.get(one["uri"])
                last = max(filter(None, (one["indexedAt"], replied)), key=instant)
                if one["reason"] in REASONS and instant(last) >= since:
                    changed.append({**one, "_replied": replied, "_changed": last})
            posts = _posts(api, [one["uri"] for one in changed])
            yield page._replace(records=[{**one, "_post": posts.get(one["uri"])} for one in changed])

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes; a mention to the day it was last changed."""
        columns = {"accounts": ACCOUNT, "posts": POST, "mentions": MENTION}[page.stream]
        records = [{**record, "_type": _type(record)} for record in page.records]
        rows = rows_of(self, page, page.stream, records, columns, "bluesky", self.handle)
        if page.stream != "accounts":
            rows["post_id"] = [record["uri"].rpartition("/")[2] for record in records]
        yield Frame(page.stream, rows)


def _listed(api: Api, name: str, method: str, records: str, asked: Mapping[str, Any], oldest: datetime) -> Iterator[Page]:
    """The pages of a list that begins with the newest, as far back as `oldest`."""

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        return api.get(f"xrpc/{method}", {**asked, **extra})

    def is_over(found: Sequence[Any]) -> bool:
        return bool(found) and all(instant(one.get("post", one)["indexedAt"]) < oldest for one in found)

    return read_list(api, name, send, paging=CURSOR, records=records, is_over=is_over)


def _posts(api: Api, addresses: Sequence[str]) -> dict[str, Any]:
    """The posts at the addresses, with their counters; one that is gone is left out."""
    found: dict[str, Any] = {}
    for start in range(0, len(addresses), MOST_POSTS):
        answer = api.get("xrpc/app.bsky.feed.getPosts", {"uris": addresses[start : start + MOST_POSTS]})
        found |= {post["uri"]: post for post in answer.body["posts"]}
    return found


def _type(record: Mapping[str, Any]) -> str | None:
    post = record.get("record")
    if post is None:
        return None
    embed = str((post.get("embed") or {}).get("$type", "")).rpartition(".")[2]
    return TYPES.get(embed) or ("reply" if post.get("reply") else "text")
