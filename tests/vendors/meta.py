"""Meta's Graph API: cursors beside next addresses that hold the token, errors that are 400 with a code, limits in minutes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.facebook_pages import FacebookPages
from pipelines.sources.sns.instagram import Instagram

ACCOUNT = "17841405822304914"


class GraphVendor(Vendor):
    """What every edge of the Graph API has in common."""

    table, key, readings = "posts", "post_id", True
    secrets = {"META_TOKEN": "EAAG-access-token-zyxwv"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.valid = self.secrets["META_TOKEN"]

    def is_signed_in(self, request: Request) -> bool:
        return request.query.get("access_token") == self.valid

    def refuse(self, request: Request) -> Reply:
        return failure(190, "Error validating access token: Session has expired.", 463)

    def throttle(self) -> Reply:
        used = {ACCOUNT: [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 2}]}
        told = {"X-Business-Use-Case-Usage": json.dumps(used)}
        return failure(80002, "There have been too many calls to this Instagram account.")._replace(headers=told)

    def edge(self, request: Request, records: Sequence[Any]) -> Reply:
        """A page of a list, the newest first. Its cursors are there on the last page, too; the next address is not."""
        start = int(request.query.get("after", "after0").removeprefix("after"))
        some = list(records)[start : start + self.page]
        if not some:
            return Reply({"data": []})
        paging: dict[str, Any] = {"cursors": {"before": f"before{start}", "after": f"after{start + self.page}"}}
        if len(records) > start + self.page:
            paging["next"] = request.link(after=f"after{start + self.page}")
        return Reply({"data": some, "paging": paging})


class InstagramMedia(GraphVendor):
    """The posts of our account, and its stories."""

    field = "timestamp"

    def __init__(self) -> None:
        super().__init__()
        self.stories: list[dict[str, Any]] = []
        self.told: dict[str, dict[str, int] | Reply] = {}  # what is told of a post, beside the usual
        self.account_told: dict[str, int] = {"reach": 50, "views": 90}

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "instagram", "kind": "instagram", "url": url, "account_id": ACCOUNT, "secret": "META_TOKEN"}
        return Instagram.model_validate({**entry, **options})

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {
            "id": str(number),
            "media_type": "IMAGE",
            "media_product_type": "FEED",
            "timestamp": f"{changed:%Y-%m-%dT%H:%M:%S+0000}",
            "like_count": number,
            "comments_count": 2,
        }

    def answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/")
        if path == ACCOUNT:
            return Reply({"id": ACCOUNT, "followers_count": 70, "follows_count": 3, "media_count": len(self.records)})
        if path == f"{ACCOUNT}/insights":
            assert request.query["metric_type"] == "total_value"
            return Reply({"data": [total(name, value) for name, value in self.account_told.items()]})
        if path in (f"{ACCOUNT}/media", f"{ACCOUNT}/stories"):
            found = self.stories if path.endswith("stories") else self.records
            return self.edge(request, sorted(found, key=lambda one: str(one.get("timestamp")), reverse=True))
        number, _, edge = path.partition("/")
        known = next((one for one in (*self.records, *self.stories) if one["id"] == number), None)
        if edge != "insights" or known is None:
            return failure(100, "Unsupported get request.", 33)
        asked = request.query["metric"].split(",")
        if "impressions" in asked or (known["media_product_type"] == "STORY" and "saved" in asked):
            return failure(100, "(#100) The metric is not supported for this media product type.")
        told = self.told.get(number, {"reach": 5, "views": 8, "saved": 0, "shares": 1})
        return (
            told if isinstance(told, Reply) else Reply({"data": [lifetime(name, told[name]) for name in asked if name in told]})
        )


class FacebookPosts(GraphVendor):
    """The posts of our page. Its lists have no cursors, but a moment in the address of the next page."""

    field = "reactions"

    def connection(self, url: str, **options: Any) -> LiveConnection:
        entry = {"name": "facebook", "kind": "facebook_pages", "url": url, "account_id": ACCOUNT, "secret": "META_TOKEN"}
        return FacebookPages.model_validate({**entry, **options})

    def key_of(self, number: int) -> str:
        return f"{ACCOUNT}_{number}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {
            "id": self.key_of(number),
            "created_time": f"{changed:%Y-%m-%dT%H:%M:%S+0000}",
            "shares": {"count": 2},
            "attachments": {"data": [{"media_type": "photo"}]},
            "reactions": {"data": [], "summary": {"total_count": number}},
            "comments": {"data": [], "summary": {"total_count": 3}},
            "insights": {
                "data": [
                    lifetime("post_media_view", 80),
                    lifetime("post_total_media_view_unique", 50),
                    lifetime("post_clicks", 0),
                ]
            },
        }

    def answer(self, request: Request) -> Reply:
        if request.path == f"/{ACCOUNT}":
            return Reply(
                {"followers_count": 70, "id": ACCOUNT} if request.query["fields"] == "followers_count" else {"id": ACCOUNT}
            )
        assert request.path == f"/{ACCOUNT}/published_posts"
        assert "page_fans" not in request.query["fields"]
        assert "impressions" not in request.query["fields"]
        reply = self.edge(request, sorted(self.records, key=lambda one: str(one["created_time"]), reverse=True))
        reply.body.get("paging", {}).pop("cursors", None)
        return reply


def lifetime(name: str, value: int) -> dict[str, Any]:
    """A metric as it is told of a post."""
    return {"name": name, "period": "lifetime", "values": [{"value": value}], "title": name}


def total(name: str, value: int) -> dict[str, Any]:
    """A metric as it is told of an account."""
    return {"name": name, "period": "day", "title": name, "total_value": {"value": value}}


def failure(code: int, message: str, subcode: int = 0) -> Reply:
    """An error as Meta writes it."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbCdEfGhIjK"}
    return Reply({"error": error | ({"error_subcode": subcode} if subcode else {})}, 400)
