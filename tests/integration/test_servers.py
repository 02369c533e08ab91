"""What each server does when it is asked without any kit: the behaviour that the kinds are built for, on the server itself."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from tests.integration import ask
from tests.integration.bluesky.server import Bluesky
from tests.integration.oscar.server import ORDERS, Oscar
from tests.integration.pretalx.server import FORMS, Pretalx
from tests.integration.processes import descendants, listening
from tests.integration.vendure.server import Vendure, VendureSession

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1, as the kernel writes them


def test_the_shop_lists_newest_first_in_pages_and_has_no_page_past_the_end(oscar: Oscar) -> None:
    token = {"Authorization": f"Token {oscar.token}"}
    _, page, _ = ask.get(f"{oscar.url}/admin/orders/", **token)
    numbers = [order["number"] for order in page["results"]]
    assert (page["count"], len(numbers)) == (ORDERS, 10)
    assert numbers == sorted(numbers, reverse=True)
    assert page["next"].startswith(oscar.url)
    assert ask.get(f"{oscar.url}/admin/orders/?page={ORDERS}", **token)[0] == 404


def test_the_shop_wants_a_token(oscar: Oscar) -> None:
    assert ask.get(f"{oscar.url}/admin/orders/", Authorization="Token no-such-token")[0] == 401


def test_the_shop_answers_one_request_too_many_with_when_to_come_back(oscar: Oscar) -> None:
    answers = [ask.get(f"{oscar.url}/products/") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert 0 < int(answers[-1][2]["Retry-After"]) <= 60


def test_the_form_server_wants_a_token_and_has_no_time_of_an_answer(pretalx: Pretalx) -> None:
    assert ask.get(f"{pretalx.url}/answers/")[0] == 401
    status, page, _ = ask.get(f"{pretalx.url}/answers/", Authorization=f"Token {pretalx.token}")
    assert (status, page["count"]) == (200, 4 * FORMS)
    assert len(page["results"]) < 4 * FORMS
    assert not {"created", "updated", "timestamp"} & set(page["results"][0])


def test_the_graphql_shop_answers_errors_with_200(vendure: Vendure) -> None:
    status, answer, _ = ask.post(vendure.url, {"query": "{orders {totalItems}}"})
    assert (status, answer["errors"][0]["extensions"]["code"]) == (200, "FORBIDDEN")


def test_the_graphql_shop_has_a_longest_page_and_a_strict_filter(vendure: Vendure) -> None:
    (code,) = vendure.place(900, 901)
    with pytest.raises(AssertionError, match="1000"):
        vendure.admin().ask("{orders(options: {take: 1001}) {totalItems}}")
    one = vendure.admin().ask("query($c: String!) {orders(options: {filter: {code: {eq: $c}}}) {items {updatedAt}}}", c=code)
    newest = one["orders"]["items"][0]["updatedAt"]
    after = "query($t: DateTime!, $c: String!) {orders(options: {filter: {updatedAt: {after: $t}, code: {eq: $c}}}) {totalItems}}"
    # The shop compares whole seconds and leaves the bound itself out, although it shows milliseconds.
    assert vendure.admin().ask(after, t=newest, c=code)["orders"]["totalItems"] == 0


def test_the_graphql_shop_keeps_strangers_out(vendure: Vendure) -> None:
    with pytest.raises(AssertionError, match="not currently authorized"):
        VendureSession(vendure.url, "no-such-session").ask("{orders {totalItems}}")


def test_bluesky_limits_logins_and_says_until_when(data_server: Bluesky) -> None:
    answers = [data_server.log_in("brand") for _ in range(31)]
    assert [status for status, _, _ in answers] == [200] * 30 + [429]
    headers = {name.lower(): value for name, value in answers[-1][2].items()}
    assert headers["ratelimit-remaining"] == "0"
    assert 0 < int(headers["ratelimit-reset"]) - time.time() <= 300


def test_bluesky_answers_a_bad_token_with_400(data_server: Bluesky) -> None:
    url = f"{data_server.url}/xrpc/com.atproto.server.getSession"
    status, answer, _ = ask.get(url, Authorization="Bearer no-such-token")
    assert (status, answer["error"]) == (400, "InvalidToken")


def test_the_network_counts_what_people_did(bluesky: Bluesky) -> None:
    _, profile, _ = ask.get(f"{bluesky.seeded['appview']}/xrpc/app.bsky.actor.getProfile?actor=brand.test")
    assert profile["followersCount"] == len(bluesky.seeded["fans"]) == 3
    assert profile["postsCount"] == bluesky.count("post", f"creator = '{bluesky.seeded['did']}'") == bluesky.seeded["posts"]


def test_every_server_listens_on_this_machine_alone(
    oscar: Oscar, vendure: Vendure, pretalx: Pretalx, data_server: Bluesky, bluesky: Bluesky
) -> None:
    sockets = listening(descendants())
    urls = [*(server.url for server in (oscar, vendure, pretalx, data_server, bluesky)), bluesky.seeded["appview"]]
    stores = bluesky.stores.ports if bluesky.stores else ()
    assert {*(urlsplit(url).port for url in urls), *stores} <= {port for _, port in sockets}
    assert {address for address, _ in sockets} <= LOOPBACK
