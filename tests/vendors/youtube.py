"""YouTube's Data API v3: numbers as text, tokens of pages, videos by number, a quota that ends with 403."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor, iso

from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.youtube import YouTube

CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
UPLOADS = "UU_x5XG1OV2P6uZZ5FSM9Ttw"


class YouTubeVideos(Vendor):
    """The videos of our channel, read with the owner's consent: a refresh token that stays good."""

    table, key, field, renews, readings = "posts", "post_id", "statistics", True, True
    secrets = {"YOUTUBE_CLIENT_SECRET": "client-secret-zyxwv", "YOUTUBE_REFRESH_TOKEN": "refresh-token-zyxwv"}  # noqa: RUF012
    subscribers: dict[str, Any] = {"subscriberCount": "2050000", "hiddenSubscriberCount": False}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        auth = {
            "type": "refresh_token", "token_url": "token", "client_id": "brand-app",
            "secret": "YOUTUBE_CLIENT_SECRET", "refresh_token": "YOUTUBE_REFRESH_TOKEN",
        }  # fmt: skip
        return YouTube.model_validate(
            {"name": "youtube", "kind": "youtube", "url": url, "channel": CHANNEL, "auth": auth, **options}
        )

    def key_of(self, number: int) -> str:
        return f"video-{number:05}"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {
            "kind": "youtube#video",
            "id": self.key_of(number),
            "snippet": {"publishedAt": iso(changed), "channelId": CHANNEL, "liveBroadcastContent": "none"},
            "statistics": {"viewCount": f"{number}000", "likeCount": "12", "favoriteCount": "0", "commentCount": "3"},
        }

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/token":
            return None
        if request.form["refresh_token"] != self.secrets["YOUTUBE_REFRESH_TOKEN"]:
            return Reply({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400)
        return Reply({"access_token": self.issue(), "expires_in": 3599, "token_type": "Bearer"})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def refuse(self, request: Request) -> Reply:
        return Reply(error(401, "authError", "Request had invalid authentication credentials."), 401)

    def answer(self, request: Request) -> Reply:
        if request.path == "/channels":
            counted = {"viewCount": "9", "videoCount": str(len(self.records)), **self.subscribers}
            held = {"relatedPlaylists": {"likes": "", "uploads": UPLOADS}}
            channel = {"kind": "youtube#channel", "id": CHANNEL, "statistics": counted, "contentDetails": held}
            items = {"items": [channel]} if request.query["id"] == CHANNEL else {}
            return Reply({"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": len(items)}, **items})
        if request.path == "/videos":
            asked = request.query["id"].split(",")
            assert 0 < len(asked) <= 50
            return Reply({"kind": "youtube#videoListResponse", "items": [one for one in self.records if one["id"] in asked]})
        assert request.query["playlistId"] == UPLOADS
        assert 0 < int(request.query["maxResults"]) <= 50
        start = int(request.query.get("pageToken", "CAE0").removeprefix("CAE"))
        listed = sorted(self.records, key=lambda one: str(one["snippet"]["publishedAt"]), reverse=True)
        items = [self.item(one) for one in listed[start : start + self.page]]
        more = {"nextPageToken": f"CAE{start + self.page}"} if len(listed) > start + self.page else {}
        return Reply(
            {"kind": "youtube#playlistItemListResponse", "pageInfo": {"totalResults": len(listed)}, "items": items, **more}
        )

    def item(self, video: dict[str, Any]) -> dict[str, Any]:
        """A video as an entry of the list of uploads."""
        public = {} if video.get("_private") else {"videoPublishedAt": video["snippet"]["publishedAt"]}
        return {"kind": "youtube#playlistItem", "contentDetails": {"videoId": video["id"], **public}}


def error(status: int, reason: str, message: str) -> dict[str, Any]:
    """An error as Google's APIs write it."""
    return {
        "error": {"code": status, "message": message, "errors": [{"message": message, "domain": "youtube", "reason": reason}]}
    }
