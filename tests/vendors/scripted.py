"""A server that does what a test says, and what asks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vendors.base import NightClock, Reply, Request, Service

from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Api
from pipelines.sources.live import LiveConnection

Script = Callable[[Request], Reply]


class Scripted(Service):
    """A server that does what the test says."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script

    def is_signed_in(self, request: Request) -> bool:
        return True

    def answer(self, request: Request) -> Reply:
        return self.script(request)


class Server:
    """A running server and what asks it."""

    def __init__(self) -> None:
        self.vendor = Scripted(lambda _: Reply({}))
        self.clock = NightClock()
        self.said: list[str] = []
        self.url = ""

    def api(self, **options: Any) -> Api:
        return Api(self.url, clock=self.clock, tell=self.said.append, **options)

    def api_of(self, connection: LiveConnection) -> Api:
        return connection.api(Secrets(), self.clock, self.said.append)

    def replies(self, *replies: Reply) -> None:
        """Answer with these, one after the other, the last one for ever."""
        left = list(replies)
        self.vendor.script = lambda _: left.pop(0) if len(left) > 1 else left[0]


def asking(api: Api) -> Callable[[Any, str | None], Any]:
    return lambda extra, link: api.get(link or "list", None if link else extra)
