"""Requests to a server that does what servers do: limits, errors, redirects, circles. Time passes only by waiting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from vendors.base import NIGHT, Reply, Request
from vendors.scripted import Server, asking

from pipelines.sources import limits
from pipelines.sources.auth import SessionLogin
from pipelines.sources.connection import SourceError
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Api, checked_base
from pipelines.sources.limits import Limits
from pipelines.sources.paging import NextLink
from pipelines.sources.streams import read_list

JUST_NOW = NIGHT
TWO_WINDOWS = {
    "x-ratelimit-app-global-minute-remaining": "7", "x-ratelimit-app-global-minute-reset": "20",
    "x-ratelimit-app-global-day-remaining": "70", "x-ratelimit-app-global-day-reset": "3600",
}  # fmt: skip


# -- limits ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "Thu, 26 Nov 2026 17:02:00 GMT"}, 120),
        ({"retry-after": "Thu, 26 Nov 2026 16:00:00 GMT"}, 0),
        ({"retry-after": "soon", "x-ratelimit-reset": "30"}, 30),
        ({"x-rate-limit-reset": str(int(NIGHT.timestamp()) + 90)}, 90),
        ({"x-ratelimit-reset": "45"}, 45),
        ({"ratelimit-reset": "15"}, 15),
        ({"x-ratelimit-reset": "2026-11-26T17:05:00Z"}, 300),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": "limit=100, remaining=0, reset=25"}, 25),
        ({}, None),
    ],
)
def test_what_a_server_says_of_its_limits_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert limits.retry_after(headers, JUST_NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NIGHT.timestamp()) + 60)}, 60),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "60"}, None),
        ({**TWO_WINDOWS, "x-ratelimit-app-global-minute-remaining": "0"}, 20),
        ({**TWO_WINDOWS, "x-ratelimit-app-global-day-remaining": "0"}, 3600),
        ({**TWO_WINDOWS, "x-ratelimit-app-global-minute-remaining": "0", "x-ratelimit-app-global-day-remaining": "0"}, 3600),
        (TWO_WINDOWS, None),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"default";r=5;t=30'}, None),
        ({}, None),
    ],
)
def test_the_last_request_of_a_window_makes_the_next_one_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert limits.used_up(headers, JUST_NOW) == seconds


def test_the_cost_of_a_query_is_waited_for() -> None:
    status = {"maximumAvailable": 1000, "currentlyAvailable": 40, "restoreRate": 20}
    assert limits.query_cost({"extensions": {"cost": {"requestedQueryCost": 100, "throttleStatus": status}}}) == 3
    assert limits.query_cost({"extensions": {"cost": {"requestedQueryCost": 40, "throttleStatus": status}}}) is None
    assert limits.query_cost({"data": {}}) is None


def test_a_used_up_window_is_waited_for_before_the_next_request(server: Server) -> None:
    server.replies(Reply({}, headers={"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(NIGHT.timestamp()) + 60)}))
    api = server.api()
    api.get("a")
    assert server.clock.slept == []
    api.get("b")
    assert server.clock.slept == [pytest.approx(60)]


def test_a_pace_is_kept(server: Server) -> None:
    api = server.api(bounds=Limits(per_minute=30))
    for _ in range(4):
        api.get()
    assert server.clock.slept == [pytest.approx(2)] * 3


def test_budgets_end_a_pull(server: Server) -> None:
    api = server.api(bounds=Limits(requests=2))
    api.get()
    api.get()
    with pytest.raises(SourceError, match="budget of 2 requests"):
        api.get()
    server.replies(Reply({}, 429, {"Retry-After": "3600"}))
    with pytest.raises(SourceError, match="wait_minutes allows 10"):
        server.api(bounds=Limits(wait_minutes=10)).get()


# -- failures --------------------------------------------------------------------------------------------------------------------


PASSING = [*(Reply({}, status) for status in (408, 500, 502, 503, 504)), Reply(b"<html>"), Reply(status=0)]


@pytest.mark.parametrize("bad", PASSING)
def test_what_may_pass_is_tried_again_with_growing_pauses(server: Server, bad: Reply) -> None:
    server.replies(bad, bad, Reply({"ok": 1}))
    assert server.api().get().body == {"ok": 1}
    assert len(server.clock.slept) == 2
    assert all(0 < pause <= 60 for pause in server.clock.slept)


def test_what_does_not_pass_is_told_after_some_attempts(server: Server) -> None:
    server.replies(Reply({"message": "database is down, ask hanako@example.jp"}, 500))
    with pytest.raises(SourceError, match=r"answered 500: database is down, ask \*\*\*"):
        server.api(bounds=Limits(attempts=3)).get()
    assert len(server.vendor.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_our_fault_is_told_at_once(server: Server, status: int) -> None:
    server.replies(Reply({"error": {"message": "no"}}, status))
    with pytest.raises(SourceError, match=f"answered {status}: no"):
        server.api().get()
    assert len(server.vendor.requests) == 1


def test_an_error_that_comes_as_200_is_an_error(server: Server) -> None:
    server.replies(Reply({"data": {"orders": []}, "errors": [{"message": "Field 'x' does not exist"}]}))
    with pytest.raises(SourceError, match="cannot answer the query: Field 'x' does not exist"):
        server.api().graphql("{ orders }")
    server.replies(Reply({"data": None}))
    with pytest.raises(SourceError, match="without data"):
        server.api().graphql("{ orders }")


def test_an_answer_too_large_for_a_page_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sources.http.LARGEST_ANSWER", 1000)
    server.replies(Reply(["x" * 2000]))
    with pytest.raises(SourceError, match="smaller pages"):
        server.api().get()


# -- where requests go -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example.com/", "use https"),
        ("ftp://shop.example.com/", "use https"),
        ("shop.example.com", "use https"),
        ("https://me:pw@shop.example.com/", "must not hold"),
        ("http://127.0.0.1.example.com/", "use https"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        checked_base(url)


@pytest.mark.parametrize("url", ["https://shop.example.com/", "http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:9/"])
def test_an_address_that_is_safe_is_taken(url: str) -> None:
    assert checked_base(url) == url


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1:1/", "https://evil.example.com/", "//evil.example.com/orders", "http://localhost:PORT/"]
)
def test_redirects_and_links_stay_on_the_origin(server: Server, elsewhere: str) -> None:
    target = elsewhere.replace("PORT", server.url.rsplit(":", 1)[1].rstrip("/"))
    server.replies(Reply({}, 302, {"Location": target}))
    with pytest.raises(SourceError, match="leads to another server"):
        server.api().get("orders")
    server.replies(Reply({"items": [1], "next": target}))
    pages = read_list(server.api(), "orders", asking(server.api()), paging=NextLink(type="next_link"), records="items")
    with pytest.raises(SourceError, match="leads to another server"):
        list(pages)
    assert len(server.vendor.requests) == 2


def test_a_redirect_on_the_origin_is_followed_and_a_circle_is_not(server: Server) -> None:
    server.replies(Reply({}, 301, {"Location": "/v2/orders"}), Reply({"ok": 1}))
    assert server.api().get("orders").body == {"ok": 1}
    server.replies(Reply({}, 302, {"Location": "/v2/orders"}))
    with pytest.raises(SourceError, match="circle"):
        server.api().get("orders")


def test_a_file_elsewhere_gets_no_credentials_and_must_be_https(server: Server, tmp_path: Path) -> None:
    server.replies(Reply(b"a,b\n1,2\n"))
    assert server.api().download("export.csv", tmp_path / "file").read_bytes() == b"a,b\n1,2\n"
    with pytest.raises(SourceError, match="use https"):
        server.api().download("http://files.example.com/export.csv", tmp_path / "file")


# -- sign-in ---------------------------------------------------------------------------------------------------------------------


def session(**options: Any) -> SessionLogin:
    return SessionLogin.model_validate(
        {"type": "session", "path": "login", "body": {"user": "me"}, "secrets": {"password": "SHOP_PASSWORD"}, **options}
    )


def test_a_session_of_cookies_is_begun_anew_when_it_ends(server: Server) -> None:
    def script(request: Request) -> Reply:
        if request.path == "/login":
            assert request.json == {"user": "me", "password": "pass-word"}
            return Reply({}, headers={"Set-Cookie": f"sid={server.vendor.issue()}; Path=/; HttpOnly"})
        return Reply({"ok": 1}) if request.headers.get("cookie") == f"sid={server.vendor.valid}" else Reply({}, 401)

    server.vendor.script = script
    secrets = Secrets({"SHOP_PASSWORD": "pass-word"})
    api = server.api(auth=session().make(server.url, secrets, server.clock.now, "shop"), secrets=secrets)
    assert api.get("orders").body == {"ok": 1}
    server.vendor.expire()
    assert api.get("orders").body == {"ok": 1}
    assert [request.path for request in server.vendor.requests] == ["/login", "/orders", "/orders", "/login", "/orders"]


def test_a_source_that_says_expired_with_400_is_signed_in_to_again(server: Server) -> None:
    def script(request: Request) -> Reply:
        if request.path == "/login":
            return Reply({"accessJwt": server.vendor.issue()})
        good = request.headers.get("authorization") == f"Bearer {server.vendor.valid}"
        return Reply({"ok": 1}) if good else Reply({"error": "ExpiredToken"}, 400)

    server.vendor.script = script
    secrets = Secrets({"SHOP_PASSWORD": "pass-word"})
    auth = session(token="accessJwt", expired=["ExpiredToken"]).make(server.url, secrets, server.clock.now, "shop")
    api = server.api(auth=auth, secrets=secrets)
    api.get("orders")
    server.vendor.expire()
    assert api.get("orders").body == {"ok": 1}


def test_a_login_that_is_limited_is_waited_for_and_a_wrong_password_is_told(server: Server) -> None:
    secrets = Secrets({"SHOP_PASSWORD": "pass-word"})

    def api() -> Api:
        auth = session(token="token").make(server.url, secrets, server.clock.now, "shop")
        return server.api(auth=auth, secrets=secrets)

    server.replies(Reply({}, 429, {"RateLimit-Reset": "120"}), Reply({"token": "tok-123"}), Reply({"ok": 1}))
    assert api().get("orders").body == {"ok": 1}
    assert sum(server.clock.slept) >= 120
    server.replies(Reply({"message": "pass-word is wrong"}, 401))
    with pytest.raises(SourceError, match=r"sign-in was refused with 401: \*\*\* is wrong"):
        api().get("orders")


def test_a_token_is_replaced_before_it_ends(server: Server) -> None:
    from pipelines.sources.auth import ClientCredentials

    server.vendor.script = lambda request: (
        Reply({"access_token": server.vendor.issue(), "expires_in": 600}) if request.path == "/token" else Reply({})
    )
    secrets = Secrets({"CLIENT_SECRET": "secret-of-client"})
    options = ClientCredentials(
        type="client_credentials", token_url="/token", client_id="us", secret="CLIENT_SECRET", in_header=True
    )
    api = server.api(auth=options.make(server.url, secrets, server.clock.now, "shop"), secrets=secrets)
    api.get()
    server.clock.time += timedelta(seconds=560)
    api.get()
    assert server.vendor.issued == 2


def test_a_secret_is_hidden_in_every_spelling() -> None:
    secrets = Secrets({"A": "p@ss/word", "B": "p@ss/word-longer"})
    text = "p@ss/word-longer p@ss/word p%40ss%2Fword cEBzcy93b3Jk"
    assert secrets.redacted(text) == "*** *** *** ***"
    assert repr(secrets) == "Secrets(A, B)"
    with pytest.raises(SourceError, match="C is not set"):
        secrets["C"]
