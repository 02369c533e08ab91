"""A shop on Shopify, over the Admin API (GraphQL).

Data flow: orders, with their lines and refunds -> ec.orders, ec.order_lines, ec.products, ec.adjustments (`shopify_orders.py`);
customers -> ec.customers. A window of more than `bulk_days` days is a bulk operation, whose result is a file of JSON lines.

Quirks:
- A query costs points: at most 1,000 each, and a bucket of them fills up again by 100 a second (more on dearer plans). An order
  holds its first lines; the others, and each refund, are asked for one by one. A list ends after 25,000 records.
- Orders older than 60 days need the scope `read_all_orders`. Names, mails and phones need the plan's and the app's leave.
- Amounts are those in the shop's currency. With `taxesIncluded` (as in Japan) prices contain tax. Each line states its own tax;
  the discount of a line, its share of the order's discount too, is a line `<line>-discount` with the tax that goes with it.
- An order keeps the quantities it was placed with, and what was edited out later is a refund. A refund of less than the goods
  were worth takes that much less back of each of its lines; one of more is an adjustment `<refund>-difference`.
- A cancelled (or voided) order is taken back as a whole, on `cancelledAt`, and its refunds are not counted again.
- Duties and fees are free of tax. What else a total may hold (cash rounding) has no line: a difference is left.
- In a bulk operation a list may not hold lists of its own, so that refunds are still asked for one by one.

    my_shopify:
      source: ec
      kind: shopify
      url: https://minamo-chaka.myshopify.com/
      client_id: 0123456789abcdef0123456789abcdef
      secret: SHOPIFY_SECRET
      test_tags: [test, staff]
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import Header, Now, TokenAuth
from pipelines.sources.connection import Frame, SourceError, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.ec import common
from pipelines.sources.ec.common import Shop
from pipelines.sources.ec.orders import frames
from pipelines.sources.ec.shopify_orders import lines_of, refunds_of, with_status
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, units
from pipelines.sources.paging import Cursor
from pipelines.sources.streams import read_list, records_at

PATH, TOKEN_HEADER = "graphql.json", "X-Shopify-Access-Token"
ORDERS_A_PAGE, LINES_A_PAGE, CUSTOMERS_A_PAGE = 5, 10, 100  # so that no query costs more than 1,000
BULK_PAGE, BULK_PAUSE = 100, 10  # records handed on together; seconds between two looks at a bulk operation

_MORE = "pageInfo { hasNextPage endCursor }"
_MONEY = "shopMoney { amount }"
_TAX = f"taxLines {{ rate priceSet {{ {_MONEY} }} }}"
_ORDER = f"""id legacyResourceId processedAt updatedAt cancelledAt test tags currencyCode taxesIncluded dutiesIncluded email phone
  displayFinancialStatus displayFulfillmentStatus discountCodes sourceName customer {{ legacyResourceId }} refunds {{ id }}
  totalPriceSet {{ {_MONEY} }} originalTotalDutiesSet {{ {_MONEY} }} originalTotalAdditionalFeesSet {{ {_MONEY} }}"""
_ITEM = f"""__typename id sku name quantity originalUnitPriceSet {{ {_MONEY} }}
  discountAllocations {{ allocatedAmountSet {{ {_MONEY} }} }} {_TAX}"""
_SHIPPING = f"__typename id title discountedPriceSet {{ {_MONEY} }} {_TAX}"
_CUSTOMER = """legacyResourceId createdAt updatedAt state defaultEmailAddress { emailAddress marketingState }
  defaultPhoneNumber { phoneNumber } defaultAddress { province }"""

ORDERS = f"""query Orders($first: Int!, $after: String, $filter: String!) {{
  orders(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{
      {_ORDER}
      lineItems(first: {LINES_A_PAGE}) {{ nodes {{ {_ITEM} }} {_MORE} }}
      shippingLines(first: 2) {{ nodes {{ {_SHIPPING} }} {_MORE} }}
    }}
    {_MORE}
  }}
}}"""
ITEMS = f"""query Items($id: ID!, $after: String) {{
  order(id: $id) {{ lineItems(first: 80, after: $after) {{ nodes {{ {_ITEM} }} {_MORE} }} }}
}}"""
SHIPPING = f"""query Shipping($id: ID!, $after: String) {{
  order(id: $id) {{ shippingLines(first: 80, after: $after) {{ nodes {{ {_SHIPPING} }} {_MORE} }} }}
}}"""
REFUND = f"""query Refund($id: ID!, $after: String) {{
  refund(id: $id) {{
    id processedAt
    refundLineItems(first: 50, after: $after) {{
      nodes {{ quantity restockType lineItem {{ id sku }} subtotalSet {{ {_MONEY} }} totalTaxSet {{ {_MONEY} }} }}
      {_MORE}
    }}
    refundShippingLines(first: 20) {{
      nodes {{ shippingLine {{ id }} subtotalAmountSet {{ {_MONEY} }} taxAmountSet {{ {_MONEY} }} }}
    }}
    orderAdjustments(first: 20) {{ nodes {{ amountSet {{ {_MONEY} }} taxAmountSet {{ {_MONEY} }} }} }}
  }}
}}"""
CUSTOMERS = f"""query Customers($first: Int!, $after: String, $filter: String!) {{
  customers(first: $first, after: $after, query: $filter, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ {_CUSTOMER} }}
    {_MORE}
  }}
}}"""
BULK = """mutation Bulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) { bulkOperation { id } userErrors { message } }
}"""
BULK_STATE = "query BulkState($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode url } } }"
BULK_ORDERS = f"""{{
  orders(query: "FILTER") {{
    edges {{
      node {{
        {_ORDER}
        lineItems {{ edges {{ node {{ {_ITEM} }} }} }}
        shippingLines {{ edges {{ node {{ {_SHIPPING} }} }} }}
      }}
    }}
  }}
}}"""
BULK_CUSTOMERS = f"""{{ customers(query: "FILTER") {{ edges {{ node {{ id {_CUSTOMER} }} }} }} }}"""

LISTS = {"orders": (ORDERS, BULK_ORDERS, ORDERS_A_PAGE), "customers": (CUSTOMERS, BULK_CUSTOMERS, CUSTOMERS_A_PAGE)}
NESTED = {"LineItem": ("lineItems", ITEMS), "ShippingLine": ("shippingLines", SHIPPING)}
MEMBER = {"ENABLED": "active", "INVITED": "provisional"}  # the other states say nothing where customers sign in by mailed codes

ORDER_COLUMNS = units(
    {
        "order_id": "legacyResourceId",
        "customer_pid": "customer.legacyResourceId",
        "mail_pid": "email",
        "phone_pid": "phone",
        "ordered_at": "processedAt",
        "status": "_status",
        "cancelled_at": "cancelledAt",
        "currency": "currencyCode",
        "total_amount": "totalPriceSet.shopMoney.amount",
        "coupon_code": "discountCodes[0]",
        "channel": "sourceName",
        "updated_at": "updatedAt",
    }
)
CUSTOMER_COLUMNS = units(
    {
        "customer_pid": "legacyResourceId",
        "mail_pid": "defaultEmailAddress.emailAddress",
        "phone_pid": "defaultPhoneNumber.phoneNumber",
        "registered_at": "createdAt",
        "status": "_status",
        "prefecture": "defaultAddress.province",
        "accepts_marketing": "defaultEmailAddress.marketingState == 'SUBSCRIBED'",
        "updated_at": "updatedAt",
    }
)


class Shopify(Shop, LiveConnection):
    """A shop on Shopify. With `client_id` the secret is the app's client secret, without it an access token."""

    tables: ClassVar[tuple[str, ...]] = ("customers", "products", "orders", "order_lines", "adjustments")

    url: str = Field(min_length=1)
    version: str = Field(default="2026-10", pattern=r"^\d{4}-\d{2}$")
    client_id: str | None = None
    secret: Secret
    test_tags: tuple[str, ...] = ()
    bulk_days: int = Field(default=14, ge=0)

    @property
    def base(self) -> str:
        """The Admin API of one version."""
        return f"{super().base}admin/api/{self.version}/"

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The shop, signed in as its own app."""
        if self.client_id is None:
            fixed = Header(type="header", header=TOKEN_HEADER, secret=self.secret)
            auth: httpx.Auth = fixed.make(self.base, secrets, clock.now, self.name)
        else:
            site = httpx.URL(self.base).join("/admin/oauth/access_token")
            auth = _ClientToken(str(site), self.client_id, secrets[self.secret], secrets, clock.now)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Orders and customers that changed in the window; in bulk where it is long."""
        since, until = window.instants(self.zone, self.overlap)
        changed = f"updated_at:>='{since:%Y-%m-%dT%H:%M:%SZ}' AND updated_at:<='{until:%Y-%m-%dT%H:%M:%SZ}'"
        in_bulk = (window.end - window.start).days >= self.bulk_days and not api.one_page
        for name, (query, bulk, size) in LISTS.items():
            if in_bulk:
                listed = self._bulk(api, name, bulk.replace("FILTER", changed))
            else:
                listed = _listed(api, name, query, size, changed)
            for page in listed:
                yield page._replace(records=[_whole(api, one) for one in page.records]) if name == "orders" else page

    def read(self, page: Page) -> Iterator[Frame]:
        """Customers; or orders with their lines, the products on them and what was taken back."""
        if page.stream == "customers":
            records = [{**one, "_status": MEMBER.get(one["state"])} for one in page.records]
            own = table("ec", "customers")
            yield common.frame(
                "customers", mapped.rows(own, records, CUSTOMER_COLUMNS, Context(self), label=page.label, start=page.start)
            )
            return
        records = with_status(page.records)
        lines = [made for order in records for made in lines_of(order)]
        back = [made for order in records if order["_status"] != "cancelled" for made in refunds_of(order)]
        tags = {tag.lower() for tag in self.test_tags}
        is_test = [one["test"] or any(tag.lower() in tags for tag in one["tags"]) for one in records]
        yield from frames(self, page._replace(records=records), ORDER_COLUMNS, lines, back, is_test)

    def _bulk(self, api: Api, name: str, query: str) -> Iterator[Page]:
        """The records of a bulk operation, some at a time."""
        started = api.graphql(BULK, {"query": query}, PATH).body["bulkOperationRunQuery"]
        if started["userErrors"]:
            raise SourceError(f"Shopify does not start a bulk operation: {started['userErrors'][0]['message']}")
        number = started["bulkOperation"]["id"]
        ends = api.clock.now() + timedelta(minutes=self.limits.wait_minutes)
        while (state := api.graphql(BULK_STATE, {"id": number}, PATH).body["node"])["status"] in ("CREATED", "RUNNING"):
            if api.clock.now() >= ends:
                raise SourceError(f"the bulk operation for {name} still runs; limits.wait_minutes is {self.limits.wait_minutes}")
            api.tell(f"{name}: waiting for Shopify's bulk operation")
            api.clock.sleep(BULK_PAUSE)
        if state["status"] != "COMPLETED":
            raise SourceError(f"the bulk operation for {name} is {state['status']} ({state['errorCode']})")
        if state["url"] is None:  # nothing was found
            return
        with tempfile.TemporaryDirectory() as folder:
            file = api.download(state["url"], Path(folder) / "bulk.jsonl")
            records = _grouped(file)
            place = 1
            while some := list(islice(records, BULK_PAGE)):
                yield Page(name, place, (place - 1) * BULK_PAGE + 1, some, api.clock.now())
                place += 1


class _ClientToken(TokenAuth):
    """A token of 24 hours for the app's client ID and secret."""

    def __init__(self, url: str, client_id: str, secret: str, secrets: Secrets, now: Now) -> None:
        super().__init__(secrets, now, TOKEN_HEADER, "")
        self._url = url
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form, headers={"Accept": "application/json"})

    def token_of(self, response: httpx.Response) -> tuple[str, float | None]:
        answer = response.json()
        return str(answer["access_token"]), float(answer["expires_in"])


def _paging(path: str) -> Cursor:
    return Cursor(type="cursor", param="after", path=f"{path}.pageInfo.endCursor", more=f"{path}.pageInfo.hasNextPage")


def _listed(api: Api, name: str, query: str, size: int, changed: str) -> Iterator[Page]:
    paging = _paging(name).model_copy(update={"size_param": "first", "size": size})

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        return api.graphql(query, {"filter": changed, **extra}, PATH)

    return read_list(api, name, send, paging=paging, records=f"{name}.nodes")


def _grouped(file: Path) -> Iterator[Any]:
    """The records of a bulk operation's file, each with its children, which follow it."""
    record: Any = None
    with file.open("rb") as lines:
        for text in lines:
            found = json.loads(text, parse_float=Decimal)
            parent = found.pop("__parentId", None)
            if parent is None:
                if record is not None:
                    yield record
                record = {**found, **{name: {"nodes": []} for name, _ in NESTED.values()}}
            elif record is not None and parent == record["id"]:
                record[NESTED[found["__typename"]][0]]["nodes"].append(found)
            else:
                raise SourceError("the file of the bulk operation is not grouped by order")
    if record is not None:
        yield record


def _whole(api: Api, order: Any) -> Any:
    """The order with all its lines, and with its refunds unless it is cancelled as a whole."""
    found = dict(order)
    for name, query in NESTED.values():
        found[name] = _all(api, order["id"], query, f"order.{name}", order[name])
    refunds = [] if order["cancelledAt"] else order["refunds"]
    found["refunds"] = [_refund(api, one["id"]) for one in refunds]
    return found


def _refund(api: Api, number: str) -> Any:
    refund = api.graphql(REFUND, {"id": number}, PATH).body["refund"]
    items = _all(api, number, REFUND, "refund.refundLineItems", refund["refundLineItems"])
    return {**refund, "refundLineItems": items}


def _all(api: Api, number: str, query: str, path: str, begun: Any) -> list[Any]:
    """All records of a list inside another record, of which `begun` is the first page (a bulk operation gives it whole)."""
    found, place = list(begun["nodes"]), begun.get("pageInfo")
    if place is None or not place["hasNextPage"]:
        return found

    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        return api.graphql(query, {"id": number, "after": place["endCursor"], **extra}, PATH)

    for _, records in _paging(path).walk(send, lambda body: records_at(f"{path}.nodes", body, path)):
        found += records
    return found
