"""Bluesky's protocol as a data server speaks it: sessions, cursors with an empty last page, an ended token as 400."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor, iso

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.bluesky import Bluesky

US = "did:plc:us"


class BlueskyPosts(Vendor):
    """Our own posts: the counters of the account's feed."""

    table, key, field, renews, readings = "posts", "post_id", "likeCount", True, True
    secrets = {"BLUESKY_APP_PASSWORD": "app-password-zyxwv"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "bluesky", "kind": "bluesky", "url": url, "handle": "brand.test", "secret": "BLUESKY_APP_PASSWORD"}
        return Bluesky.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return post(US, number, changed, likeCount=number, replyCount=0, repostCount=1)

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/xrpc/com.atproto.server.createSession":
            return None
        if request.json != {"identifier": "brand.test", "password": self.secrets["BLUESKY_APP_PASSWORD"]}:
            return Reply({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}, 401)
        return Reply({"accessJwt": self.issue(), "did": US})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"error": "ExpiredToken", "message": "Token has expired"}, 400)

    def feed(self) -> list[dict[str, Any]]:
        """What stands in the account's feed."""
        return [{"post": one} for one in self.records]

    def notifications(self) -> list[dict[str, Any]]:
        """What others did."""
        return []

    def answer(self, request: Request) -> Reply:
        method = request.path.rpartition(".")[2]
        if method == "getProfile":
            return Reply({"did": US, "followersCount": 7, "followsCount": 2, "postsCount": len(self.records)})
        if method == "getPosts":
            asked = [value for name, value in request.pairs if name == "uris"]
            assert 0 < len(asked) <= 25
            return Reply({"posts": [one | {"likeCount": 5} for one in self.records if one["uri"] in asked]})
        name, found = ("feed", self.feed()) if method == "getAuthorFeed" else ("notifications", self.notifications())
        ordered = sorted(found, key=lambda one: str(one.get("post", one).get("indexedAt")), reverse=True)
        start = int(request.query.get("cursor") or 0)
        some = ordered[start : start + self.page]
        # A full page is followed by a cursor, though nothing may follow.
        return Reply({name: some} | ({"cursor": str(start + self.page)} if len(some) == self.page else {}))


class BlueskyMentions(BlueskyPosts):
    """What others write to us."""

    table, field, readings = "mentions", "indexedAt", False

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return post(f"did:plc:hanako{number}", number, changed, reason="mention")

    def feed(self) -> list[dict[str, Any]]:
        return []

    def notifications(self) -> list[dict[str, Any]]:
        return self.records


def post(author: str, number: int, written: datetime, **more: Any) -> dict[str, Any]:
    """A post, or a notification of one, as the AppView shows it."""
    return {
        "uri": f"at://{author}/app.bsky.feed.post/{number}",
        "author": {"did": author, "handle": f"Hanako{number}.test"},
        "record": {"text": "花子です、おいしいです", "createdAt": iso(written)},
        "indexedAt": iso(written),
        **more,
    }
