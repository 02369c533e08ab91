"""Mastodon's API: links of pages in a header, limits that end at a moment, letters among the posts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vendors.base import NIGHT, Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.mastodon import Mastodon

US = "110000000000000001"


class MastodonPosts(Vendor):
    """Our own posts."""

    table, key, field, readings = "posts", "post_id", "favourites_count", True
    secrets = {"MASTODON_TOKEN": "access-token-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.valid = self.secrets["MASTODON_TOKEN"]

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "mastodon", "kind": "mastodon", "url": url, "handle": "Brand@social.example.com"}
        return Mastodon.model_validate({**entry, "secret": "MASTODON_TOKEN", **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return post(number, changed)

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"error": "The access token was revoked"}, 401)

    def throttle(self) -> Reply:
        reset = NIGHT + timedelta(seconds=30)
        told = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%M:%S.%fZ}"}
        return Reply({"error": "Too many requests"}, 429, told)

    def posts(self) -> list[dict[str, Any]]:
        """What the account wrote."""
        return self.records

    def notifications(self) -> list[dict[str, Any]]:
        """What others did."""
        return []

    def answer(self, request: Request) -> Reply:
        if request.path == "/api/v1/accounts/verify_credentials":
            counted = {"followers_count": 7, "following_count": 2, "statuses_count": len(self.records)}
            return Reply({"id": US, "username": "brand", "acct": "brand", **counted})
        if request.path == f"/api/v1/accounts/{US}/statuses":
            assert request.query["exclude_reblogs"] == "true"
            found = self.posts()
        else:
            assert request.path == "/api/v1/notifications"
            found = self.notifications()
        assert 0 < int(request.query["limit"]) <= 40
        # Ids grow with time: those of the page end where the last one did.
        listed = sorted(found, key=lambda one: str(one.get("created_at")), reverse=True)
        start = int(request.query.get("max_id", 0))
        some = listed[start : start + self.page]
        links = [f'<{request.link(min_id="9")}>; rel="prev"']
        if len(listed) > start + self.page:
            links.insert(0, f'<{request.link(max_id=start + self.page)}>; rel="next"')
        return Reply(some, 200, {"Link": ", ".join(links)} if some else {})


class MastodonMentions(MastodonPosts):
    """What others write to us."""

    table, field, readings = "mentions", "created_at", False

    def __init__(self) -> None:
        super().__init__()
        self.ours: list[dict[str, Any]] = []

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return notification(number, changed)

    def posts(self) -> list[dict[str, Any]]:
        return self.ours

    def notifications(self) -> list[dict[str, Any]]:
        return self.records


def post(number: int, written: datetime, **more: Any) -> dict[str, Any]:
    """A post as the API shows it."""
    return {
        "id": str(number),
        "created_at": f"{written:%Y-%m-%dT%H:%M:%S.000Z}",
        "visibility": "public",
        "in_reply_to_id": None,
        "content": "<p>花子です<br>おいしい &amp; うまい</p><p>また買います</p>",
        "favourites_count": number,
        "replies_count": 0,
        "reblogs_count": 1,
        "media_attachments": [],
        "card": None,
        "poll": None,
        **more,
    }


def notification(number: int, written: datetime, acct: str = "", **more: Any) -> dict[str, Any]:
    """A notification of a post by somebody else."""
    author = {"id": f"9{number}", "acct": acct or f"hanako{number}@elsewhere.example.com", "followers_count": 12}
    at = f"{written:%Y-%m-%dT%H:%M:%S.000Z}"
    return {"id": f"5{number}", "type": "mention", "created_at": at, "account": author, "status": post(number, written), **more}
