"""X's API v2: lists that end without `data`, tokens of pages, private counters for the owner and 30 days alone, includes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from vendors.base import NIGHT, Reply, Request, Vendor, iso

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.x import X

US = "2244994945"
LIMIT = {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}


class XMentions(Vendor):
    """What others write to us, read with the app's own token."""

    table, key, field = "mentions", "post_id", "created_at"
    secrets = {"X_BEARER_TOKEN": "bearer-token-of-the-app-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.valid = self.secrets.get("X_BEARER_TOKEN", "")
        self.ours: list[dict[str, Any]] = []
        self.media: list[dict[str, Any]] = []

    def connection(self, url: str, **options: Any) -> LiveConnection:
        auth = {"type": "bearer", "secret": "X_BEARER_TOKEN"}
        return X.model_validate({"name": "x", "kind": "x", "url": url, "handle": "brand", "auth": auth, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return post(f"hanako{number}", number, changed)

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply({"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank", "status": 401}, 401)

    def throttle(self) -> Reply:
        reset = int((NIGHT + timedelta(seconds=30)).timestamp())
        return Reply(LIMIT, 429, {"x-rate-limit-limit": "15", "x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset)})

    def posts(self) -> list[dict[str, Any]]:
        """What stands in our timeline."""
        return self.ours

    def mentions(self) -> list[dict[str, Any]]:
        """What stands in the timeline of mentions."""
        return self.records

    def answer(self, request: Request) -> Reply:
        if request.path == ("/users/me" if self.renews else "/users/by/username/brand"):
            counted = {"followers_count": 7, "following_count": 2, "tweet_count": 9, "listed_count": 1}
            return Reply({"data": {"id": US, "username": "brand", "name": "Brand", "public_metrics": counted}})
        if request.path not in (f"/users/{US}/tweets", f"/users/{US}/mentions"):
            return Reply({"title": "Not Found Error", "detail": "Not Found", "status": 404}, 404)
        return self.timeline(request, self.mentions() if request.path.endswith("mentions") else self.posts())

    def timeline(self, request: Request, found: list[dict[str, Any]]) -> Reply:
        """A page of posts, the newest first, with only the fields that were asked for."""
        assert 5 <= int(request.query["max_results"]) <= 100
        first, last = (request.query.get(name, default) for name, default in (("start_time", "0"), ("end_time", "9")))
        fields = {"id", "text", "brand_new", *request.query["tweet.fields"].split(",")}
        if "non_public_metrics" in fields:
            first = max(first, iso(NIGHT - timedelta(days=30)))
        within = [one for one in found if first <= one.get("created_at", NIGHT.isoformat()) < last]
        within.sort(key=lambda one: str(one.get("created_at")), reverse=True)
        start = int(request.query.get("pagination_token", "page-0").removeprefix("page-"))
        some = within[start : start + self.page]
        meta: dict[str, Any] = {"result_count": len(some)}
        if len(within) > start + self.page:
            meta["next_token"] = f"page-{start + self.page}"
        if not some:
            return Reply({"meta": meta})
        includes = {
            "users": [
                {"id": one["author_id"], "username": f"Hanako_{one['author_id']}", "public_metrics": {"followers_count": 12}}
                for one in some
            ],
            "media": self.media,
        }
        return Reply(
            {"data": [{k: v for k, v in one.items() if k in fields} for one in some], "includes": includes, "meta": meta}
        )


class XPosts(XMentions):
    """Our own posts, read in the account's own name: a refresh token is good for one use."""

    table, field, renews, readings = "posts", "public_metrics", True, True
    secrets = {"X_CLIENT_SECRET": "client-secret-zyxwv", "X_REFRESH_TOKEN": "first-refresh-token-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.refresh = self.secrets["X_REFRESH_TOKEN"]

    def connection(self, url: str, **options: Any) -> LiveConnection:
        auth = {
            "type": "refresh_token", "token_url": "oauth2/token", "client_id": "brand-app", "in_header": True,
            "secret": "X_CLIENT_SECRET", "refresh_token": "X_REFRESH_TOKEN",
        }  # fmt: skip
        return super().connection(url, **{"auth": auth, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return post(US, number, changed, non_public_metrics={"impression_count": 70, "url_link_clicks": 3})

    def posts(self) -> list[dict[str, Any]]:
        return self.records

    def mentions(self) -> list[dict[str, Any]]:
        return []

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/oauth2/token":
            return None
        if not request.headers["authorization"].startswith("Basic ") or request.form["refresh_token"] != self.refresh:
            return Reply({"error": "invalid_request", "error_description": "Value passed for the token was invalid."}, 400)
        token = self.issue()
        self.refresh = f"{token}-refresh"
        return Reply({"token_type": "bearer", "expires_in": 7200, "access_token": token, "refresh_token": self.refresh})


def post(author: str, number: int, written: datetime, **more: Any) -> dict[str, Any]:
    """A post with everything that can be asked for."""
    return {
        "id": str(number),
        "author_id": author,
        "text": "花子です、おいしいです",
        "created_at": f"{written:%Y-%m-%dT%H:%M:%S.000Z}",
        "public_metrics": {"retweet_count": 1, "reply_count": 0, "like_count": number, "quote_count": 4, "bookmark_count": 2},
        **more,
    }
