"""Vendure wholly in memory: GraphQL that answers 200 with errors[], money in minor units, times compared in whole seconds."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.integration.install import HERE, installed
from tests.integration.processes import Process, free_port

PASSWORD = "a-password-for-tests-only"
PURCHASES = 7  # orders of the fixture: two pages of the 5 that connections.yaml asks for
NODE = ["node", "--dns-result-order=ipv4first", *(f"--require={HERE / name}" for name in ("loopback.cjs", "clock.cjs"))]


class Vendure:
    """A shop with its products and no order, whose clock shows `starts_at` when it starts."""

    def __init__(self, folder: Path, starts_at: datetime) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/admin-api"
        environment = {"SHOP_PASSWORD": PASSWORD, "VENDURE_DISABLE_TELEMETRY": "true"}
        environment["CLOCK_STARTS_AT"] = starts_at.isoformat()
        command = [*NODE, str(HERE / "vendure" / "server.cjs"), str(port)]
        self.process = Process(command, installed("vendure"), folder / "server.log", environment)
        self.token = ""

    def start(self) -> None:
        """Start an empty shop with its products and log its administrator in."""
        self.process.start()
        self.process.wait_for_line("READY")
        self.token = VendureSession(self.url).log_in()

    def stop(self) -> None:
        """End it, and what it holds with it."""
        self.process.stop()

    def admin(self) -> VendureSession:
        """A session of the administrator."""
        return VendureSession(self.url, self.token)

    def place(self, first: int, end: int) -> list[str]:
        """Buy the orders numbered `first` to `end` - 1 as guests through the shop's own API; their codes."""
        return [self.pay(self.fill(number)) for number in range(first, end)]

    def fill(self, number: int) -> VendureSession:
        """The session of a guest whose order `number` lacks nothing but the payment."""
        session = VendureSession(self.url.replace("admin-api", "shop-api"))
        products = session.ask("{products(options: {sort: {id: ASC}}) {items {variants {id}}}}")["products"]["items"]
        for line in range(1 + number % 3):
            session.change(
                "mutation($id: ID!) {addItemToOrder(productVariantId: $id, quantity: 2)"
                " {__typename ... on ErrorResult {message}}}",
                id=products[(number + line) % len(products)]["variants"][0]["id"],
            )
        session.change(
            "mutation($mail: String!) {setCustomerForOrder(input: {firstName: 'A', lastName: 'B', emailAddress: $mail})"
            " {__typename ... on ErrorResult {message}}}",
            mail=f"c{number % 15}@example.com",
        )
        session.change(
            "mutation {setOrderShippingAddress(input: {streetLine1: 'x', city: 'Tokyo', postalCode: '100', countryCode: 'JP'})"
            " {__typename ... on ErrorResult {message}}}"
        )
        (method,) = session.ask("{eligibleShippingMethods {id}}")["eligibleShippingMethods"]
        session.change(
            "mutation($id: [ID!]!) {setOrderShippingMethod(shippingMethodId: $id) {__typename ... on ErrorResult {message}}}",
            id=[method["id"]],
        )
        session.change(
            "mutation {transitionOrderToState(state: 'ArrangingPayment') {__typename ... on OrderStateTransitionError {message}}}"
        )
        return session

    def pay(self, session: VendureSession) -> str:
        """Pay for what lies in the session's order; its code."""
        paid = session.change(
            "mutation {addPaymentToOrder(input: {method: 'standard-payment', metadata: {}})"
            " {__typename ... on Order {code} ... on ErrorResult {message}}}"
        )
        return str(paid["code"])

    def stated(self) -> dict[str, tuple[int, str]]:
        """Total in minor units and last change of each order, by its code, as the administrator sees them."""
        query = "{orders(options: {take: 500, filter: {active: {eq: false}}}) {items {code totalWithTax updatedAt}}}"
        found = self.admin().ask(query)["orders"]["items"]
        return {one["code"]: (one["totalWithTax"], one["updatedAt"]) for one in found}

    def refund(self, code: str) -> int:
        """Give back the money for one piece of the order's first line through the shop's own API; how much, in minor units."""
        admin = self.admin()
        found = admin.ask(
            "query($code: String!) {orders(options: {filter: {code: {eq: $code}}}) {items {payments {id} lines {id}}}}", code=code
        )
        order = found["orders"]["items"][0]
        what = {"lines": [{"orderLineId": order["lines"][0]["id"], "quantity": 1}], "shipping": 0, "adjustment": 0}
        refunded = admin.change(
            "mutation($input: RefundOrderInput!) {refundOrder(input: $input)"
            " {__typename ... on Refund {total} ... on ErrorResult {message}}}",
            input=what | {"paymentId": order["payments"][0]["id"], "reason": "late"},
        )
        return int(refunded["total"])


class VendureSession:
    """One person's session with a Vendure API."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self.token = url, token

    def log_in(self) -> str:
        """Log the administrator in; the session's token."""
        self.change(
            "mutation($password: String!) {login(username: 'superadmin', password: $password, rememberMe: true)"
            " {__typename ... on ErrorResult {message}}}",
            password=PASSWORD,
        )
        return self.token

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of a query (quotes may be single); AssertionError with what the server says is wrong."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        body = json.dumps({"query": query.replace("'", '"'), "variables": variables}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=60) as response:
            self.token = response.headers.get("vendure-auth-token") or self.token
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def change(self, mutation: str, **variables: Any) -> dict[str, Any]:
        """The result of a mutation; AssertionError when it is an error."""
        (result,) = self.ask(mutation, **variables).values()
        assert "message" not in result, result
        changed: dict[str, Any] = result
        return changed
