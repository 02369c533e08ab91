"""Requests to a live source: sign-in, limits, retries, redirects, budgets. Kinds say what to ask for, this says how.

Data flow: a kind asks `Api.get`, `Api.post` or `Api.graphql` -> one `Answer` (JSON, numbers with a point as Decimal), or a
`SourceError` in one line that names what to do.

- A request is sent again, with growing random pauses, on connection errors, 408, 429, 5xx and a body that is no JSON. What the
  source says of its limits is obeyed (see `limits.py`); the time waited for it is bounded by `Limits.wait_minutes`.
- TLS is always verified. Plain http is for this machine alone. Redirects and next links must stay on the configured origin, so
  that no credential goes elsewhere.
- No message holds a secret, and of what the server says only a masked line.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import tenacity

from pipelines.sources import limits
from pipelines.sources.auth import SignInRefused
from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secrets
from pipelines.sources.expressions import first
from pipelines.sources.limits import Limits
from pipelines.sources.masking import masked

LARGEST_ANSWER = 64 * 1024 * 1024  # bytes of one page: a larger one is asked for in smaller pages
MOST_REDIRECTS = 5
TELL_EVERY = 15.0  # seconds between two lines of progress
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MESSAGES = "error.message || error_description || message || detail || title || errors[0].message || errors[0].detail || error"

for _library in ("httpx", "httpcore"):
    logging.getLogger(_library).setLevel(logging.WARNING)  # their lines hold addresses and headers, and these may hold secrets

Tell = Callable[[str], None]


class Clock:
    """The time, and waiting; tests put their own in its place."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Again(SourceError):
    """The request may succeed when sent again, after `after` seconds where the source says so."""

    def __init__(self, message: str, after: float | None = None, is_limit: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.is_limit = is_limit


class Refused(SourceError):
    """The source answered with a status that no repetition will change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Answer(NamedTuple):
    """One answer: `body` is the JSON it holds, None where it is empty."""

    status: int
    headers: Mapping[str, str]
    body: Any
    url: str


class Api:
    """The source of one connection during one pull. Counts what it does in `requests` and `waited`."""

    def __init__(
        self,
        base: str,
        *,
        auth: httpx.Auth | None = None,
        bounds: Limits | None = None,
        secrets: Secrets | None = None,
        clock: Clock | None = None,
        tell: Tell = lambda _: None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base = httpx.URL(checked_base(base))
        self.limits = bounds or Limits()
        self.secrets = secrets or Secrets()
        self.clock = clock or Clock()
        self.tell: Tell = lambda line: tell(self.secrets.redacted(line))
        self.requests = 0
        self.waited = 0.0
        self.one_page = False  # for a look: of every list the first page alone
        self.pace = limits.Pace()  # or one that other connections share
        self._auth = auth
        self._client = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": "engagement-pipelines", **(headers or {})},
            timeout=self.limits.timeout,
            follow_redirects=False,
            verify=_trusted(),
            trust_env=not _is_loopback(self.base.host),  # a company's proxy does not know this machine
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str = "", params: Mapping[str, Any] | None = None) -> Answer:
        """GET `path`, relative to the base; parameters that are None are left out."""
        return self.request("GET", path, params=params)

    def post(self, path: str, body: Any) -> Answer:
        """POST `body` as JSON. It may be sent twice: only for questions, never to change something."""
        return self.request("POST", path, body=body)

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None, path: str = "") -> Answer:
        """Ask a GraphQL query; the answer's `body` is its `data`. An answer with errors is an error, whatever its status."""
        answer = self.request("POST", path, body={"query": query, "variables": dict(variables or {})}, graphql=True)
        return answer._replace(body=answer.body.get("data"))

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None, graphql: bool = False
    ) -> Answer:
        """Send until there is an answer or no hope of one. Raises SourceError."""
        url = self.address(path)
        return self._retrying()(self._once, method, url, params, body, graphql)

    def download(self, path: str, target: Path) -> Path:
        """Stream a file to `target`. A file on another origin is fetched without credentials, over https alone."""
        url = self.base.join(path)
        if _origin(url) != _origin(self.base):
            checked_base(str(url))
        own = self._auth if _origin(url) == _origin(self.base) else None

        def once() -> Path:
            with self._answer("GET", url, None, None, own) as response:
                self._judge(response)
                with target.open("wb") as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
            return target

        return self._retrying()(once)

    def _retrying(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            sleep=self._wait,
            wait=self._pause,
            stop=self._has_failed,
            retry=tenacity.retry_if_exception_type(Again),
            reraise=True,
        )

    def address(self, path: str) -> httpx.URL:
        """`path` as an address on the configured origin; SourceError when it leads elsewhere."""
        url = self.base.join(path) if path else self.base
        if _origin(url) != _origin(self.base):
            raise SourceError(f"the source leads to another server, {url.scheme}://{url.host}; only {self._site} is configured")
        return url

    @property
    def origin(self) -> Hashable:
        """The server that is asked."""
        return _origin(self.base)

    @property
    def _site(self) -> str:
        return f"{self.base.scheme}://{self.base.netloc.decode()}"

    # -- one attempt -----------------------------------------------------------------------------------------------------------

    def _once(self, method: str, url: httpx.URL, params: Mapping[str, Any] | None, body: Any, graphql: bool) -> Answer:
        given = {name: value for name, value in (params or {}).items() if value is not None}
        # A next link holds its parameters already: httpx would replace them by an empty set.
        target = url.copy_merge_params(given) if given else url
        for _ in range(MOST_REDIRECTS + 1):
            with self._answer(method, target, body, None, self._auth) as response:
                if response.is_redirect:
                    target = self.address(str(response.url.join(response.headers["location"])))
                    continue
                self._judge(response)
                return self._read(response, graphql)
        raise SourceError(f"{self._site} redirects in a circle")

    @contextmanager
    def _answer(self, method: str, url: httpx.URL, body: Any, params: Any, auth: httpx.Auth | None) -> Iterator[httpx.Response]:
        self._keep_pace()
        self.requests += 1
        if self.requests > self.limits.requests:
            raise SourceError(f"the budget of {self.limits.requests:,} requests a pull is used up; raise limits.requests")
        try:
            content = None if body is None else json.dumps(body, ensure_ascii=False, default=_plain).encode()
            headers = {} if body is None else {"Content-Type": "application/json"}
            request = self._client.build_request(method, url, params=params, content=content, headers=headers)
            response = self._client.send(request, auth=auth or httpx.Auth(), stream=True)
            try:
                yield response
            finally:
                response.close()
        except SignInRefused as refused:
            raise self._not_signed_in(refused.response) from None
        except httpx.TransportError as error:
            what = type(error).__name__
            raise Again(self.secrets.redacted(f"{self._site} does not answer ({what}: {masked(str(error), 80)})")) from None
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise SourceError(self.secrets.redacted(f"{self._site}: {masked(str(error), 80)}")) from None

    def _judge(self, response: httpx.Response) -> None:
        """Raise for what is no good answer, and note when the next request may go."""
        now = self.clock.now()
        pause = limits.used_up(response.headers, now)
        if pause is not None:
            self.pace.hold(now.timestamp() + pause)
        if response.status_code < 300:
            return
        response.read()
        message = f"{self._site} answered {response.status_code}{self._said(response)}"
        if response.status_code in AGAIN:
            after = limits.retry_after(response.headers, now) if response.status_code in (429, 503) else None
            raise Again(message, after, is_limit=response.status_code == 429)
        if response.status_code == 401:
            message += "; is the secret still valid?"
        elif response.status_code == 403:
            message += "; does the secret have the rights (scopes) it needs?"
        raise Refused(message, response.status_code)

    def _not_signed_in(self, response: httpx.Response) -> SourceError:
        message = f"the sign-in was refused with {response.status_code}{self._said(response)}"
        if response.status_code in AGAIN:
            is_limit = response.status_code == 429
            return Again(message, limits.retry_after(response.headers, self.clock.now()), is_limit)
        return Refused(message + "; are the secrets of auth right?", response.status_code)

    def _read(self, response: httpx.Response, graphql: bool) -> Answer:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > LARGEST_ANSWER:
                raise SourceError(f"one answer is larger than {LARGEST_ANSWER >> 20} MB; ask for smaller pages")
        try:
            body = json.loads(content, parse_float=Decimal) if content.strip() else None
        except (ValueError, RecursionError):
            raise Again(f"{self._site} answered {response.status_code} with something that is no JSON") from None
        if graphql:
            self._judge_graphql(body)
        return Answer(response.status_code, response.headers, body, str(response.url))

    def _judge_graphql(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise SourceError(f"{self._site} answered with something that is no GraphQL")
        pause = limits.query_cost(body)
        errors = body.get("errors")
        if limits.is_throttled(errors):
            raise Again(f"{self._site} is asked for too much at once", pause or 1.0, is_limit=True)
        if errors:
            raise SourceError(f"{self._site} cannot answer the query: {self._line(first('[0].message', errors))}")
        if body.get("data") is None:
            raise SourceError(f"{self._site} answered the query without data")
        if pause:
            self.pace.hold(self.clock.now().timestamp() + pause)

    # -- time ------------------------------------------------------------------------------------------------------------------

    def _keep_pace(self) -> None:
        gap = 60 / self.limits.per_minute if self.limits.per_minute else 0.0
        seconds = self.pace.turn(self.clock.now().timestamp(), gap)
        if seconds > 0:
            self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        if self.waited + seconds > self.limits.wait_minutes * 60:
            raise SourceError(
                f"{self._site} would have us wait {seconds:.0f} s more; limits.wait_minutes allows {self.limits.wait_minutes}"
            )
        if seconds >= TELL_EVERY:
            self.tell(f"waiting {seconds:.0f} s for the source")
        self.waited += seconds
        self.clock.sleep(seconds)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Again) and error.after is not None:
            # A server's clock may run a little behind ours.
            return error.after + 0.5
        return random.uniform(0.1, min(60.0, 2.0**state.attempt_number))  # noqa: S311  # spreads retries, guards nothing

    def _has_failed(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A limit that says when it ends is no failure: the time waited bounds it.
        if isinstance(error, Again) and error.is_limit and error.after is not None:
            return False
        return state.attempt_number >= self.limits.attempts

    # -- what is said ----------------------------------------------------------------------------------------------------------

    def _said(self, response: httpx.Response) -> str:
        try:
            found = first(_MESSAGES, json.loads(response.content))
        except (ValueError, SourceError):
            return ""
        line = self._line(found)
        return f": {line}" if line else ""

    def _line(self, found: Any) -> str:
        return masked(self.secrets.redacted(found), 120) if isinstance(found, str) else ""


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities to trust, read once: a tenth of a second for each connection otherwise."""
    return httpx.create_ssl_context()


def checked_base(url: str) -> str:
    """`url`, if it is one to send credentials to: https, or http on this machine. Raises SourceError."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise SourceError(f"{url!r} is no address: {error}") from None
    if parsed.userinfo:
        raise SourceError("an address must not hold a user or a password; use auth")
    if parsed.scheme == "https" and parsed.host:
        return url
    if parsed.scheme == "http" and _is_loopback(parsed.host):
        return url
    raise SourceError(f"{parsed.scheme or 'the address'}://{parsed.host} is not safe for secrets; use https")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _plain(value: Any) -> Any:
    """Decimals come from an answer and may go back in a question, such as a cursor."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
