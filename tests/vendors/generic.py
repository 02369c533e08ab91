"""Made-up vendors for the kinds `rest` and `graphql`: each speaks another paging, filter and sign-in."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from vendors.base import Reply, Request, Vendor, iso

from pipelines.sources.ec.graphql import GraphqlShop
from pipelines.sources.ec.rest import RestShop
from pipelines.sources.live import LiveConnection
from pipelines.sources.sns.graphql import GraphqlNetwork
from pipelines.sources.sns.rest import RestNetwork
from pipelines.sources.survey.graphql import GraphqlSurvey
from pipelines.sources.survey.rest import RestSurvey

COLUMNS = {
    "order_id": "number", "customer_pid": "user.id", "mail_pid": "user.email", "ordered_at": "placed", "updated_at": "changed",
    "status": {"path": "state", "words": {"open": "placed"}}, "total_amount": "total",
}  # fmt: skip
LINE = {"line_no": "id", "sku": "sku", "product_name": "title", "quantity": "pieces", "unit_price": "price"}


class _Shop(Vendor):
    table, key, field = "orders", "order_id", "total"

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        lines = [{"id": n, "sku": f"S{n}", "title": f"Mug {n}", "pieces": n, "price": "110.00"} for n in (1, 2)]
        user = {"id": 700 + number, "email": f"hanako{number}@example.jp"}
        return {
            "number": f"A{number}", "user": user, "placed": "2026-10-01T00:00:00Z", "changed": iso(changed), "state": "open",
            "total": 330.5, "lines": lines,
        }  # fmt: skip

    def key_of(self, number: int) -> str:
        return f"A{number}"


class LinkedShop(_Shop):
    """Next links in the body, a filter that is strict and keeps whole seconds, a fixed bearer token."""

    secrets = {"LINKED_TOKEN": "linked-token-abcdefgh"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "path": "orders", "records": "results", "paging": {"type": "next_link"}, "since": {"param": "changed_after"},
            "params": {"ordering": "-changed"},
            "until": {"param": "changed_before"}, "table": "orders", "columns": COLUMNS,
            "rows": {"order_lines": {"each": "lines", "columns": LINE}},
        }  # fmt: skip
        auth = {"type": "bearer", "secret": "LINKED_TOKEN"}
        return RestShop.model_validate(
            {"name": "linked", "kind": "rest", "url": url, "auth": auth, "streams": {"orders": stream}, "tax_included": True,
             "tax_rate": 0.1, **options}
        )  # fmt: skip

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid or self.secrets['LINKED_TOKEN']}"

    def answer(self, request: Request) -> Reply:
        after, before = request.query.get("changed_after", ""), request.query.get("changed_before", "9")
        found = [one for one in self.records if after < one["changed"] < before]
        found.sort(key=lambda one: str(one["changed"]), reverse=request.query["ordering"].startswith("-"))
        start = int(request.query.get("from", 0))
        after = request.link(**{"from": start + self.page}) if start + self.page < len(found) else None
        return Reply({"results": found[start : start + self.page], "next": after})


class NewestFirstShop(_Shop):
    """No filter by date, newest first, page numbers with 404 past the end, lines behind a link of each order, basic auth."""

    secrets = {"NEWEST_KEY": "ck_0123456789abc", "NEWEST_SECRET": "cs_987654321def"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "path": "api/orders", "records": "items", "paging": {"type": "page", "size": self.page, "total": "count"},
            "newest_first": True, "details": {"parts": {"path": "{lines_url}"}}, "table": "orders", "columns": COLUMNS,
            "rows": {"order_lines": {"each": "parts", "columns": LINE}},
        }  # fmt: skip
        auth = {"type": "basic", "user_secret": "NEWEST_KEY", "secret": "NEWEST_SECRET"}
        return RestShop.model_validate(
            {"name": "newest", "kind": "rest", "url": url, "auth": auth, "streams": {"orders": stream}, **options}
        )

    def is_signed_in(self, request: Request) -> bool:
        import base64

        pair = f"{self.secrets['NEWEST_KEY']}:{self.valid or self.secrets['NEWEST_SECRET']}"
        return request.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"

    def answer(self, request: Request) -> Reply:
        found = sorted(self.records, key=lambda one: str(one["changed"]), reverse=True)
        if request.path.startswith("/lines/"):
            (one,) = (one for one in found if one["number"] == request.path.removeprefix("/lines/"))
            return Reply(one["lines"])
        page = int(request.query["page"])
        if page > max(1, math.ceil(len(found) / self.page)):
            return Reply({"detail": "Invalid page."}, 404)
        shown = [
            {
                **{name: value for name, value in one.items() if name != "lines"},
                "lines_url": f"http://{request.host}/lines/{one['number']}",
            }
            for one in found[(page - 1) * self.page : page * self.page]
        ]
        return Reply({"items": shown, "count": len(found)})


class OffsetGraphqlShop(_Shop):
    """GraphQL with skip and take, amounts in cents, a session token in a header, errors with status 200, a cost of queries."""

    secrets = {"GRAPHQL_PASSWORD": "pass-word-0123"}  # noqa: RUF012
    renews = True

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "query": "query($options: Options) { orders(options: $options) { total items { number } } }",
            "records": "orders.items",
            "paging": {
                "type": "offset", "param": "options.skip", "size_param": "options.take", "size": self.page,
                "total": "orders.count",
            },
            "since": {"param": "options.filter.changed.after"}, "table": "orders",
            "columns": {**COLUMNS, "total_amount": {"path": "total", "minor_units": 2}},
            "rows": {"order_lines": {"each": "lines", "columns": LINE}},
        }  # fmt: skip
        auth = {
            "type": "session", "path": "admin", "body": {"query": "mutation login", "variables": {"u": "reader"}},
            "secrets": {"variables.p": "GRAPHQL_PASSWORD"}, "token_header": "X-Session",
        }  # fmt: skip
        return GraphqlShop.model_validate(
            {"name": "graph", "kind": "graphql", "url": f"{url}admin", "auth": auth, "streams": {"orders": stream}, **options}
        )

    def sign_in(self, request: Request) -> Reply | None:
        if "login" not in request.json["query"]:
            return None
        if request.json["variables"] != {"u": "reader", "p": self.secrets["GRAPHQL_PASSWORD"]}:
            return Reply({"errors": [{"message": "wrong password"}]}, 401)
        return Reply({"data": {"login": {}}}, headers={"X-Session": self.issue()})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def throttle(self) -> Reply:
        status = {"maximumAvailable": 1000, "currentlyAvailable": 0, "restoreRate": 5}
        errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
        return Reply({"errors": errors, "extensions": {"cost": {"requestedQueryCost": 100, "throttleStatus": status}}})

    def answer(self, request: Request) -> Reply:
        options = request.json["variables"]["options"]
        after = options["filter"]["changed"]["after"]
        found = sorted((one for one in self.records if one["changed"] > after), key=lambda one: str(one["changed"]))
        shown = found[options["skip"] : options["skip"] + options["take"]]
        shown = [{**one, **({"total": 33050} if "total" in one else {})} for one in shown]
        return Reply({"data": {"orders": {"items": shown, "count": len(found)}}})


class LinkHeaderNetwork(Vendor):
    """Posts with counters, newest first, the next page in the header `Link`, the token in a header of its own."""

    table, key, field, readings = "posts", "post_id", "created_at", True
    secrets = {"NETWORK_TOKEN": "network-token-abcdef"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        columns = {"post_id": "id", "posted_at": "created_at", "likes": "counts.likes"}
        stream = {"path": "posts", "paging": {"type": "link_header"}, "newest_first": True, "table": "posts", "columns": columns}
        auth = {"type": "header", "header": "X-Api-Key", "secret": "NETWORK_TOKEN"}
        return RestNetwork.model_validate(
            {"name": "network", "kind": "rest", "url": url, "auth": auth, "platform": "other", "account_id": "our_brand",
             "streams": {"posts": stream}, **options}
        )  # fmt: skip

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {"id": str(number), "created_at": iso(changed), "counts": {"likes": number}}

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("x-api-key") == (self.valid or self.secrets["NETWORK_TOKEN"])

    def throttle(self) -> Reply:
        return Reply({"error": "rate limited"}, 429, {"x-rate-limit-reset": "1795712430", "x-rate-limit-remaining": "0"})

    def answer(self, request: Request) -> Reply:
        found = sorted(self.records, key=lambda one: (str(one.get("created_at")), one["id"]), reverse=True)
        start = int(request.query.get("start", 0))
        link = f'<{request.link(start=start + self.page)}>; rel="next", <{request.link(start=0)}>; rel="first"'
        return Reply(found[start : start + self.page], headers={"Link": link} if start + self.page < len(found) else {})


class CursorNetwork(Vendor):
    """Mentions by GraphQL, newest first, connections with cursors, an empty last page behind a cursor, the key in the address."""

    table, key, field = "mentions", "post_id", "at"
    secrets = {"MENTIONS_KEY": "mentions-key-12345"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "query": "query($after: String) { mentions(after: $after) { nodes { id } } }", "records": "mentions.nodes",
            "paging": {
                "type": "cursor", "param": "after", "path": "mentions.pageInfo.endCursor",
                "more": "mentions.pageInfo.hasNextPage",
            },
            "newest_first": True, "table": "mentions",
            "columns": {"post_id": "id", "posted_at": "at", "author_pid": "author.handle", "text": "text"},
        }  # fmt: skip
        auth = {"type": "query", "param": "key", "secret": "MENTIONS_KEY"}
        return GraphqlNetwork.model_validate(
            {"name": "mentions", "kind": "graphql", "url": f"{url}graphql", "auth": auth, "platform": "other",
             "streams": {"mentions": stream}, **options}
        )  # fmt: skip

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {"id": str(number), "at": iso(changed), "author": {"handle": f"@Hanako_{number}"}, "text": "おいしいです"}

    def is_signed_in(self, request: Request) -> bool:
        return request.query.get("key") == (self.valid or self.secrets["MENTIONS_KEY"])

    def answer(self, request: Request) -> Reply:
        found = sorted(self.records, key=lambda one: (str(one.get("at")), one["id"]), reverse=True)
        start = int(request.json["variables"].get("after") or 0)
        info = {"hasNextPage": start + self.page <= len(found), "endCursor": str(start + self.page)}
        return Reply({"data": {"mentions": {"nodes": found[start : start + self.page], "pageInfo": info}}})


class PagedSurvey(Vendor):
    """Responses with a list of answers, page numbers, a filter by date, OAuth 2 client credentials."""

    table, key, field, renews = "answers", "response_id", "submitted_at", True
    secrets = {"FORMS_SECRET": "forms-secret-zyxwv"}  # noqa: RUF012

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "path": "responses", "records": "items", "paging": {"type": "page", "size": self.page},
            "since": {"param": "day", "format": "date"},
            "columns": {"response_id": "id", "answered_at": "submitted_at", "respondent": "user.email"},
            "answers": {"each": "answers", "question": "field.ref", "value": "value"},
        }  # fmt: skip
        auth = {"type": "client_credentials", "token_url": "token", "client_id": "us", "secret": "FORMS_SECRET"}
        questions = {code: {"code": code, "kind": kind} for code, kind in (("nps", "nps"), ("why", "multiple"), ("note", "text"))}
        return RestSurvey.model_validate(
            {"name": "forms", "kind": "rest", "url": url, "auth": auth, "streams": {"responses": stream}, "questions": questions,
             "survey": {"id": "visitors", "audience": "customer", "mode": "identified"}, "wave": {"every": "month"},
             "respondent": {"as": "mail"}, **options}
        )  # fmt: skip

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        given = {"nps": number % 11, "why": ["taste", "price, mostly"], "note": "花子です"}
        answers = [{"field": {"ref": key}, "value": value} for key, value in given.items()]
        return {"id": number, "submitted_at": iso(changed), "user": {"email": f"hanako{number}@example.jp"}, "answers": answers}

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/token":
            return None
        form = {"grant_type": "client_credentials", "client_id": "us", "client_secret": self.secrets["FORMS_SECRET"]}
        if request.form != form:
            return Reply({"error": "invalid_client"}, 401)
        return Reply({"access_token": self.issue(), "expires_in": 3600})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def answer(self, request: Request) -> Reply:
        found = [one for one in self.records if one.get("submitted_at", "9") >= request.query["day"]]
        start = (int(request.query["page"]) - 1) * self.page
        return Reply({"items": found[start : start + self.page]})


class FlatGraphqlSurvey(Vendor):
    """A field per question, GraphQL with cursors, newest first, a refresh token that is replaced at each use."""

    table, key, field, renews = "answers", "response_id", "score", True
    secrets = {"SURVEY_REFRESH": "refresh-token-of-the-first-day"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.refresh = self.secrets["SURVEY_REFRESH"]

    def connection(self, url: str, **options: Any) -> LiveConnection:
        stream = {
            "query": "query($after: String) { responses(after: $after) { nodes { id at score } } }", "records": "responses.nodes",
            "paging": {"type": "cursor", "param": "after", "path": "responses.next"}, "newest_first": True,
            "columns": {"response_id": "id", "answered_at": "at"},
        }  # fmt: skip
        auth = {"type": "refresh_token", "token_url": "/token", "client_id": "us", "refresh_token": "SURVEY_REFRESH"}
        return GraphqlSurvey.model_validate(
            {"name": "flat", "kind": "graphql", "url": f"{url}graphql", "auth": auth, "streams": {"responses": stream},
             "survey": {"id": "flat", "audience": "public", "mode": "anonymous"}, "wave": {"every": "month"},
             "questions": {"score": {"code": "nps", "kind": "nps"}}, **options}
        )  # fmt: skip

    def record(self, number: int, changed: datetime) -> dict[str, Any]:
        return {"id": number, "at": iso(changed), "score": number % 11}

    def sign_in(self, request: Request) -> Reply | None:
        if request.path != "/token":
            return None
        if request.form.get("refresh_token") != self.refresh:
            return Reply({"error": "invalid_grant"}, 400)
        token = self.issue()
        self.refresh = f"{token}-refresh"
        return Reply({"access_token": token, "refresh_token": self.refresh})

    def is_signed_in(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self.valid}"

    def answer(self, request: Request) -> Reply:
        found = sorted(self.records, key=lambda one: (str(one["at"]), int(one["id"])), reverse=True)
        start = int(request.json["variables"].get("after") or 0)
        after = str(start + self.page) if start + self.page < len(found) else None
        return Reply({"data": {"responses": {"nodes": found[start : start + self.page], "next": after}}})
