"""How a live connection signs in: the options of `auth` in its entry, and what each adds to a request.

Fixed credentials (bearer, basic, header, query) go on every request. The others fetch a token first (client_credentials,
refresh_token, session); when the server no longer takes it, in the middle of a pull too, they fetch a new one and the request
is sent once more. httpx asks an `httpx.Auth` for this; a kind with a way of its own subclasses `TokenAuth`.
"""

from __future__ import annotations

import base64
import hashlib
from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.expressions import Path, first

_EARLY = 60  # a token that ends within this many seconds is replaced before it is used
Flow = Generator[httpx.Request, httpx.Response, None]
Now = Callable[[], datetime]


class SignInRefused(Exception):
    """The server answered a sign-in with something else than a token."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(str(response.status_code))
        self.response = response


class _Auth(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """What adds the credentials to the requests of the connection `name` at `base`."""


class Bearer(_Auth):
    """`Authorization: Bearer <secret>`."""

    type: Literal["bearer"]
    secret: Secret

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A fixed header."""
        return _Fixed({"Authorization": f"Bearer {secrets[self.secret]}"})


class Basic(_Auth):
    """User and password, or a consumer key and its secret. `user` may stand in the entry, `user_secret` names a variable."""

    type: Literal["basic"]
    user: str | None = None
    user_secret: Secret | None = None
    secret: Secret

    @model_validator(mode="after")
    def _one_user(self) -> Basic:
        if (self.user is None) == (self.user_secret is None):
            raise ValueError("give exactly one of user, user_secret")
        return self

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A fixed header."""
        user = secrets[self.user_secret] if self.user_secret else str(self.user)
        pair = base64.b64encode(f"{user}:{secrets[self.secret]}".encode()).decode()
        secrets.learn(pair)
        return _Fixed({"Authorization": f"Basic {pair}"})


class Header(_Auth):
    """Any header of the source's own, such as `X-Shopify-Access-Token`; `prefix` stands before the secret."""

    type: Literal["header"]
    header: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    prefix: str = ""
    secret: Secret

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A fixed header."""
        return _Fixed({self.header: self.prefix + secrets[self.secret]})


class Query(_Auth):
    """A parameter of the address, such as `key`."""

    type: Literal["query"]
    param: str = Field(min_length=1)
    secret: Secret

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A fixed parameter."""
        return _Fixed({}, {self.param: secrets[self.secret]})


class ClientCredentials(_Auth):
    """OAuth 2 client credentials (RFC 6749 section 4.4). The client's secret goes in the form, or `in_header` as Basic."""

    type: Literal["client_credentials"]
    token_url: str
    client_id: str
    secret: Secret
    scope: str | None = None
    in_header: bool = False

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A token, fetched anew when it ends."""
        form = {"grant_type": "client_credentials", **({"scope": self.scope} if self.scope else {})}
        return _OAuth(str(httpx.URL(base).join(self.token_url)), form, self.client_id, secrets[self.secret], self, secrets, now)


class RefreshToken(_Auth):
    """OAuth 2 refresh token (RFC 6749 section 6). A server that hands out a new refresh token at each use is understood.

    `expired` lists the codes by which the source says, with status 400, that the access token has ended.
    """

    type: Literal["refresh_token"]
    token_url: str
    client_id: str
    secret: Secret | None = None  # the client's, where it has one
    refresh_token: Secret
    redirect_uri: str | None = None  # where the server asks for it, as the one that the token was given for
    in_header: bool = False
    expired: tuple[str, ...] = ()

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A token, fetched anew when it ends."""
        own = secrets[self.secret] if self.secret else None
        url = str(httpx.URL(base).join(self.token_url))
        return _Refreshing(url, self.client_id, own, self, secrets, now, name)


class SessionLogin(_Auth):
    """A login of the source's own: `body` is sent to `path` as JSON, with `secrets` put in at their places (`input.password`).

    The token is found by `token` in the answer or in the header `token_header`; with neither, the session is a cookie. `expired`
    lists the codes by which the source says, with status 400, that the session has ended.
    """

    type: Literal["session"]
    path: str
    body: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, Secret] = Field(min_length=1)
    as_form: bool = False
    token: Path | None = None
    token_header: str | None = None
    header: str = "Authorization"
    prefix: str = "Bearer "
    expired: tuple[str, ...] = ()

    def make(self, base: str, secrets: Secrets, now: Now, name: str) -> httpx.Auth:
        """A session, begun anew when it ends."""
        return _Session(str(httpx.URL(base).join(self.path)), self, secrets, now)


Auth = Annotated[Bearer | Basic | Header | Query | ClientCredentials | RefreshToken | SessionLogin, Field(discriminator="type")]


class _Fixed(httpx.Auth):
    """The same headers and parameters on every request."""

    def __init__(self, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> None:
        self._headers = headers
        self._params = params

    def auth_flow(self, request: httpx.Request) -> Flow:
        """The request with the credentials on it."""
        request.headers.update(self._headers)
        if self._params:
            request.url = request.url.copy_merge_params(self._params)
        yield request


class TokenAuth(httpx.Auth):
    """Fetches a token before the first request and again whenever the server no longer takes it.

    A kind's own way to sign in overrides `token_request` and `token_of`.
    """

    def __init__(
        self,
        secrets: Secrets,
        now: Now,
        header: str = "Authorization",
        prefix: str = "Bearer ",
        expired: tuple[str, ...] = (),  # codes by which the source says so with status 400
    ) -> None:
        self.secrets = secrets
        self.now = now
        self._header, self._prefix, self._expired = header, prefix, expired
        self._token: str | None = None
        self._ends: float | None = None

    @abstractmethod
    def token_request(self) -> httpx.Request:
        """The request that asks for a token."""

    @abstractmethod
    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        """The token and the seconds it lasts, from the answer to `token_request`."""

    def is_expired(self, response: httpx.Response) -> bool:
        """Whether the answer says that the token is no longer good."""
        if response.status_code == 400 and self._expired:
            response.read()
            return any(f'"{code}"' in response.text for code in self._expired)
        return response.status_code == 401

    def auth_flow(self, request: httpx.Request) -> Flow:
        """The request with a token, and once more with a new one where the server does not take the old."""
        fresh = False
        if self._token is None or (self._ends is not None and self.now().timestamp() >= self._ends):
            yield from self._sign_in()
            fresh = True
        self.apply(request)
        response = yield request
        if not fresh and self.is_expired(response):
            yield from self._sign_in()
            self.apply(request)
            yield request

    def apply(self, request: httpx.Request) -> None:
        """Put the token on the request."""
        request.headers[self._header] = f"{self._prefix}{self._token}"

    def _sign_in(self) -> Flow:
        self._token = None
        response = yield self.token_request()
        response.read()
        if response.status_code >= 400:
            raise SignInRefused(response)
        try:
            token, lasts = self.token_of(response)
        except (ValueError, KeyError, TypeError) as error:
            raise SignInRefused(response) from error
        self._token = token
        self.secrets.learn(token)
        self._ends = None if lasts is None else self.now().timestamp() + max(1.0, lasts - _EARLY)


class _OAuth(TokenAuth):
    def __init__(
        self,
        url: str,
        form: Mapping[str, str],
        client_id: str,
        client_secret: str | None,
        options: ClientCredentials | RefreshToken,
        secrets: Secrets,
        now: Now,
        expired: tuple[str, ...] = (),
    ) -> None:
        super().__init__(secrets, now, expired=expired)
        self._url, self.form = url, dict(form)
        self._client, self._secret, self._in_header = client_id, client_secret, options.in_header

    def token_request(self) -> httpx.Request:
        form, headers = dict(self.form), {"Accept": "application/json"}
        if self._in_header and self._secret is not None:
            pair = base64.b64encode(f"{self._client}:{self._secret}".encode()).decode()
            self.secrets.learn(pair)
            headers["Authorization"] = f"Basic {pair}"
        else:
            form |= {"client_id": self._client} | ({"client_secret": self._secret} if self._secret is not None else {})
        return httpx.Request("POST", self._url, data=form, headers=headers)

    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        answer = response.json()
        lasts = answer.get("expires_in")
        return str(answer["access_token"]), None if lasts is None else float(lasts)


class _Refreshing(_OAuth):
    """Keeps the refresh token the server gives in place of the one it has used up, for the next night."""

    def __init__(
        self, url: str, client_id: str, client_secret: str | None, options: RefreshToken, secrets: Secrets, now: Now, name: str
    ) -> None:
        form = {"grant_type": "refresh_token", **({"redirect_uri": options.redirect_uri} if options.redirect_uri else {})}
        super().__init__(url, form, client_id, client_secret, options, secrets, now, options.expired)
        given = secrets[options.refresh_token]
        # Kept under the given token's hash: whoever sets a new one in the environment starts anew from it.
        self._key = f"{name}:{hashlib.sha256(given.encode()).hexdigest()[:16]}"
        kept = self.secrets.tokens.load(self._key)
        if kept:
            self.secrets.learn(kept)
        self.form["refresh_token"] = kept or given

    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        token = super().token_of(response)
        renewed = response.json().get("refresh_token")
        if isinstance(renewed, str) and renewed and renewed != self.form["refresh_token"]:
            self.secrets.learn(renewed)
            self.secrets.tokens.save(self._key, renewed)
            self.form["refresh_token"] = renewed
        return token


class _Session(TokenAuth):
    def __init__(self, url: str, options: SessionLogin, secrets: Secrets, now: Now) -> None:
        super().__init__(secrets, now, options.header, options.prefix, options.expired)
        self._url, self._options = url, options
        self._cookies: dict[str, str] = {}

    def token_request(self) -> httpx.Request:
        body = _copy(self._options.body)
        for place, name in self._options.secrets.items():
            put(body, place, self.secrets[name])
        if self._options.as_form:
            return httpx.Request("POST", self._url, data=body, headers={"Accept": "application/json"})
        return httpx.Request("POST", self._url, json=body, headers={"Accept": "application/json"})

    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        if self._options.token_header is not None:
            return response.headers[self._options.token_header], None
        if self._options.token is not None:
            found = first(self._options.token, response.json())
            if not isinstance(found, str) or not found:
                raise ValueError("no token")
            return found, None
        self._cookies = dict(response.cookies)
        for value in self._cookies.values():
            self.secrets.learn(value)
        if not self._cookies:
            raise ValueError("no cookie")
        return next(iter(self._cookies.values())), None

    def apply(self, request: httpx.Request) -> None:
        if self._cookies:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        else:
            super().apply(request)


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Set `value` in nested dictionaries: `options.filter.since`; a text on the way is a mistake in the entry."""
    *folders, last = place.split(".")
    for folder in folders:
        body = body.setdefault(folder, {})
        if not isinstance(body, dict):
            raise SourceError(f"{place} cannot be set: {folder} holds a value already")
    body[last] = value


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
