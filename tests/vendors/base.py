"""Servers on this machine that speak a vendor's protocol over real HTTP, for the tests of live kinds.

A `Vendor` holds records and answers requests as the vendor does: its sign-in, paging, filters and errors. The conformance suite
(tests/sources/test_live_conformance.py) runs every vendor in `vendors.ALL` through the same stories.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from pipelines.sources.http import Clock
from pipelines.sources.live import LiveConnection

NIGHT = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)  # 02:00 of the 27th in Tokyo: the night that lands the 26th


class NightClock(Clock):
    """Time that passes only by waiting."""

    def __init__(self, now: datetime = NIGHT) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    host: str
    pairs: tuple[tuple[str, str], ...] = ()  # of the query, with parameters that stand there several times

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    def link(self, **query: object) -> str:
        """The address of this request with other parameters."""
        given = {**self.query, **{name: str(value) for name, value in query.items()}}
        return f"http://{self.host}{self.path}?{'&'.join(f'{name}={value}' for name, value in given.items())}"


class Reply(NamedTuple):
    """What goes out: JSON, or bytes as they are."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012


Trap = Callable[[Request], Reply | None]


class Service(ABC):
    """A server that is signed in to and asked. `traps` may answer in its place."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.traps: list[Trap] = []
        self.valid = ""  # the token that is taken now
        self.issued = 0

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """The answer to a request that is signed in."""

    @abstractmethod
    def is_signed_in(self, request: Request) -> bool:
        """Whether the request carries what is asked for."""

    def sign_in(self, request: Request) -> Reply | None:
        """The answer to a sign-in; None when the request is none."""
        del request
        return None

    def expire(self) -> None:
        """From now on another token is needed."""
        self.valid = "another-token-that-nobody-has"

    def refuse(self, request: Request) -> Reply:
        """What a request gets that is not signed in."""
        del request
        return Reply({"detail": "Invalid token."}, 401)

    def throttle(self) -> Reply:
        """What a request gets that is one too many."""
        return Reply({"detail": "Request was throttled."}, 429, {"Retry-After": "20"})

    def issue(self) -> str:
        """A new token, the only one that is taken from now on."""
        self.issued += 1
        self.valid = f"issued-token-{self.issued}-0123456789"
        return self.valid

    def reply(self, request: Request) -> Reply:
        """What the server does with a request."""
        self.requests.append(request)
        for trap in list(self.traps):
            if (reply := trap(request)) is not None:
                return reply
        return self.sign_in(request) or (self.answer(request) if self.is_signed_in(request) else self.refuse(request))


class Vendor(Service):
    """One vendor's server, and what is counted of it. Subclasses say how its protocol goes."""

    table: str  # the landing table whose rows are counted
    key: str  # the column of it that holds a record's number
    page = 3  # records on a page
    field: str  # a field that must not vanish from all records
    secrets: dict[str, str]
    renews = False  # an expired token is replaced by signing in anew
    readings = False  # the records are counters, shown only as they are now
    one_a_day = False  # a record is a whole day's: there are no two of one day

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []

    @abstractmethod
    def connection(self, url: str, **options: Any) -> LiveConnection:
        """The connection that reads this server."""

    @abstractmethod
    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        """A record as the vendor sends it; `changed` is an instant of whole seconds."""

    def key_of(self, number: int) -> str:
        """How record `number` is called in the landing zone."""
        return str(number)

    def given_secrets(self) -> list[str]:
        """Every text that must be seen nowhere."""
        return [*self.secrets.values(), *(f"issued-token-{number}" for number in range(1, self.issued + 1))]


@contextmanager
def served(vendor: Service) -> Iterator[str]:
    """The address of a running server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            pairs = tuple(parse_qsl(parts.query))
            reply = vendor.reply(Request(self.command, parts.path, query, headers, body, self.headers["Host"], pairs))
            if reply.status == 0:  # the line goes dead
                self.close_connection = True
                return
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def iso(moment: datetime) -> str:
    """2026-11-26T12:00:00Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
