"""X: our account's followers, the counters of our posts, and what others write to us, over API v2.

Data flow (all below <url>): users/me or users/by/username/<handle> -> sns.accounts; users/<id>/tweets -> sns.posts;
users/<id>/mentions -> sns.mentions.

Quirks:
- `auth: bearer` (the app's token) shows what everybody sees. Clicks are private: they need the account's own consent,
  `auth: refresh_token`, and X gives them for posts of the last 30 days alone; a list that asks for them leaves older posts out,
  so older ones are asked for apart. A refresh token is good for one use: the next one is kept.
- Impressions may be missing from a post's counters: unknown, not 0. Quotes are counted apart from reposts and are not taken in.
- Counters are shown as they are now alone. What we repost is not ours. Of our own posts the last 3,200 can be read, of mentions
  the last 800. Every post that is read is counted against the plan: posts older than `post_days` are not asked for.
- A list without posts has no `data` at all. Long posts have their whole text in `note_tweet`.
- A mention lands again on the day of our first reply, looked for among `reply_days` days of our own posts.

    brand_x:
      source: sns
      kind: x
      handle: minamo_chaka
      auth: {type: bearer, secret: X_BEARER_TOKEN}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import Field, model_validator

from pipelines.sources.auth import Bearer, RefreshToken
from pipelines.sources.connection import Frame, SourceError
from pipelines.sources.http import Answer, Api
from pipelines.sources.live import Page
from pipelines.sources.mapped import Unit, units
from pipelines.sources.paging import Cursor
from pipelines.sources.sns.live import Conversation, instant, rows_of
from pipelines.sources.streams import read_list

PAGING = Cursor(type="cursor", path="meta.next_token", param="pagination_token", size_param="max_results", size=100)
PRIVATE_FOR = timedelta(days=30) - timedelta(hours=1)  # how old a post may be to have private counters; clocks may differ
POST_FIELDS = "created_at,public_metrics,referenced_tweets,attachments"
ACCOUNT = units(
    {
        "followers": "public_metrics.followers_count",
        "following": "public_metrics.following_count",
        "posts_total": "public_metrics.tweet_count",
    }
)
COUNTERS = units(
    {
        "post_id": "id",
        "posted_at": "created_at",
        "likes": "public_metrics.like_count",
        "replies": "public_metrics.reply_count",
        "reposts": "public_metrics.retweet_count",
    }
)
POST = COUNTERS | units(
    {
        "post_type": "_type",
        "impressions": Unit(path="public_metrics.impression_count || non_public_metrics.impression_count", optional=True),
        "clicks": Unit(path="non_public_metrics.url_link_clicks", optional=True),
        "saves": Unit(path="public_metrics.bookmark_count", optional=True),
        "views": Unit(path="_views", optional=True),
    }
)
MENTION = COUNTERS | units(
    {
        "author_pid": Unit(path="_author.username", optional=True),  # a suspended author is not shown
        "author_followers": Unit(path="_author.public_metrics.followers_count", optional=True),
        "text": "text",
        "first_reply_at": Unit(path="_replied", optional=True),
        "updated_at": "_changed",
    }
)
TYPES = {"photo": "image", "video": "video", "animated_gif": "video"}


class X(Conversation):
    """One of our accounts on X."""

    url: str = "https://api.x.com/2/"
    handle: str = Field(pattern=r"^[A-Za-z0-9_]{1,15}$")
    post_days: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _known_auth(self) -> X:
        if not isinstance(self.auth, (Bearer, RefreshToken)):
            raise ValueError("auth is missing or of another type; X takes bearer (the app) or refresh_token (the account)")
        return self

    def read(self, page: Page) -> Iterator[Frame]:
        """Readings belong to the day that the time of reading closes; a mention to the day it was last changed."""
        columns = {"accounts": ACCOUNT, "posts": POST, "mentions": MENTION}[page.stream]
        yield Frame(page.stream, rows_of(self, page, page.stream, page.records, columns, "x", self.handle))

    def account(self, api: Api) -> Any:
        """Our account. Of another's posts X gives no private counters, and leaves the posts out without a word."""
        if not isinstance(self.auth, RefreshToken):
            return api.get(f"users/by/username/{self.handle}", {"user.fields": "public_metrics"}).body["data"]
        account = api.get("users/me", {"user.fields": "public_metrics"}).body["data"]
        if account["username"].lower() != self.handle.lower():
            raise SourceError(f"the refresh token belongs to another account than {self.handle}")
        return account

    def posts(self, api: Api, account: Any, oldest: datetime, reads: bool) -> Iterator[Page]:
        """Our posts, the younger ones with their private counters where the account itself is signed in."""
        own = account["id"]
        asked: dict[str, Any] = {
            "exclude": "retweets",
            "tweet.fields": POST_FIELDS,
            "expansions": "attachments.media_keys",
            "media.fields": "type,public_metrics",
        }
        if not (reads and isinstance(self.auth, RefreshToken)):
            yield from _listed(api, "posts", f"users/{own}/tweets", {**asked, "start_time": _written(oldest)})
            return
        private = max(oldest, api.clock.now() - PRIVATE_FOR).replace(microsecond=0)
        more = {"start_time": _written(private), "tweet.fields": f"{POST_FIELDS},non_public_metrics"}
        yield from _listed(api, "posts", f"users/{own}/tweets", asked | more)
        if oldest < private:
            ends = {"start_time": _written(oldest), "end_time": _written(private)}
            for page in _listed(api, "posts", f"users/{own}/tweets", asked | ends):
                yield page._replace(records=[post for post in page.records if instant(post["created_at"]) < private])

    def answered(self, post: Any) -> tuple[str, str] | None:
        """The number of the post it replies to."""
        related = [one["id"] for one in post.get("referenced_tweets", []) if one["type"] == "replied_to"]
        return (related[0], post["created_at"]) if related else None

    def mentions(
        self, api: Api, account: Any, since: datetime, oldest: datetime, replies: Mapping[str, str]
    ) -> Iterator[Page]:
        """Posts that name us."""
        own = account["id"]
        asked = {
            "start_time": _written(oldest),
            "tweet.fields": "created_at,public_metrics,author_id,note_tweet",
            "expansions": "author_id",
            "user.fields": "username,public_metrics",
        }
        for page in _listed(api, "mentions", f"users/{own}/mentions", asked):
            changed = []
            for one in page.records:
                replied = replies.get(one["id"])
                last = max(filter(None, (one["created_at"], replied)), key=instant)
                if one["author_id"] != own and instant(last) >= since:
                    changed.append({**one, "_replied": replied, "_changed": last})
            yield page._replace(records=changed)


def _listed(api: Api, name: str, path: str, asked: Mapping[str, Any]) -> Iterator[Page]:
    """The pages of a list, each post with what `includes` says of its author and its media."""

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        answer = api.get(path, {**asked, **extra})
        if "data" not in answer.body and "meta" not in answer.body:
            raise SourceError(f"{name}: the answer has neither data nor meta")
        return answer._replace(body={**answer.body, "data": _joined(answer.body)})

    yield from read_list(api, name, send, paging=PAGING, records="data")


def _joined(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = body.get("includes", {})
    users = {user["id"]: user for user in shown.get("users", [])}
    media = {one["media_key"]: one for one in shown.get("media", [])}
    posts = []
    for post in body.get("data", []):
        own = [media[key] for key in post.get("attachments", {}).get("media_keys", []) if key in media]
        views = [one["public_metrics"]["view_count"] for one in own if "view_count" in one.get("public_metrics", {})]
        posts.append(
            {
                **post,
                **post.get("note_tweet", {}),  # the whole text, where `text` is the beginning of it
                "_author": users.get(post.get("author_id")),
                "_type": _type(post, own),
                "_views": sum(views) if views else None,
            }
        )
    return posts


def _type(post: Mapping[str, Any], media: Iterable[Mapping[str, Any]]) -> str:
    kinds = [TYPES.get(one["type"], "other") for one in media]
    related = {one["type"] for one in post.get("referenced_tweets", [])}
    if kinds:
        return kinds[0]
    return "quote" if "quoted" in related else "reply" if "replied_to" in related else "text"


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
