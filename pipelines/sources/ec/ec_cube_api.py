"""A shop on EC-CUBE 4, over its Web API plugin (GraphQL).

Data flow: <url>/api: orders with their lines -> ec.orders, ec.order_lines, ec.products, ec.adjustments; customers (会員) ->
ec.customers.

Quirks:
- The sign-in is an OAuth 2 refresh token, which is replaced at each use and kept in `tokens.json`. An access token lasts an hour.
  A person has to allow it once in the browser (authorization code); there is no other way in.
- Lists are sorted by 更新日, the newest first, and numbered by page. Orders in 購入処理中 and 決済処理中 are not in them.
- The price and the tax of a line are of one piece; 税表示区分 says whether the price contains the tax. A line of kind 税 is tax
  only: it lands as a fee of nothing with that tax. EC-CUBE rounds tax once more by rate: some yen may be left to the total.
- There is no refund. A cancelled or returned order is taken back as a whole on its 更新日, since no day of it is told: a later
  note on the order moves that day.
- Orders and customers have the numbers of the exports that `ec_cube_csv` reads.

    my_eccube:
      source: ec
      kind: ec_cube_api
      url: https://shop.example.com/
      client_id: 0123456789abcdef0123456789abcdef
      secret: ECCUBE_CLIENT_SECRET
      refresh_token: ECCUBE_REFRESH_TOKEN
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

from pydantic import Field

from pipelines.sources import mapped
from pipelines.sources.auth import RefreshToken
from pipelines.sources.connection import Frame, Window
from pipelines.sources.contract import table
from pipelines.sources.credentials import Secret, Secrets
from pipelines.sources.ec import common
from pipelines.sources.ec.common import ZERO, Shop
from pipelines.sources.ec.ec_cube_csv import LINE_TYPE, MEMBER, STATUS
from pipelines.sources.ec.orders import frames, line
from pipelines.sources.http import Answer, Api, Clock, Tell
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.mapped import Context, units
from pipelines.sources.paging import PageNumber
from pipelines.sources.streams import read_list

PAGE = 50
INCLUDED = "2"  # 税表示区分: 1 税抜, 2 税込
ORDERS = """query Orders($since: DateTime, $until: DateTime, $page: Int, $limit: Int) {
  orders(update_datetime_start: $since, update_datetime_end: $until, page: $page, limit: $limit) {
    nodes {
      id email phone_number order_date create_date update_date payment_total currency_code
      OrderStatus { id name }
      Customer { id }
      OrderItems {
        id product_name product_code price quantity tax tax_rate
        OrderItemType { id name }
        TaxDisplayType { id }
      }
    }
    totalCount
  }
}"""
CUSTOMERS = """query Customers($since: DateTime, $until: DateTime, $page: Int, $limit: Int) {
  customers(
    customer_status: ["1", "2", "3"], update_datetime_start: $since, update_datetime_end: $until, page: $page, limit: $limit
  ) {
    nodes { id email phone_number birth create_date update_date Status { id name } Sex { name } Pref { name } }
    totalCount
  }
}"""
ORDER = units(
    {
        "order_id": "id",
        "customer_pid": "Customer.id",
        "mail_pid": "email",
        "phone_pid": "phone_number",
        "ordered_at": "order_date || create_date",
        "status": "_status",
        "currency": "_currency",
        "total_amount": "payment_total",
        "updated_at": "update_date",
    }
)
CUSTOMER = units(
    {
        "customer_pid": "id",
        "mail_pid": "email",
        "phone_pid": "phone_number",
        "registered_at": "create_date",
        "status": "_status",
        "prefecture": "Pref.name",
        "birth_year": "_born",
        "gender": "Sex.name",
        "updated_at": "update_date",
    }
)


class EcCubeApi(Shop, LiveConnection):
    """A shop on EC-CUBE 4 with the Web API plugin."""

    tables: ClassVar[tuple[str, ...]] = ("customers", "products", "orders", "order_lines", "adjustments")

    url: str = Field(min_length=1)
    client_id: str
    secret: Secret
    refresh_token: Secret
    # A shop's own states, by ID or name: {配送準備中: paid}
    status_map: dict[str, Literal["placed", "paid", "shipped", "cancelled", "returned", "pending"]] = Field(default_factory=dict)

    def api(self, secrets: Secrets, clock: Clock, tell: Tell) -> Api:
        """The shop, signed in with the refresh token of the night before."""
        grant = RefreshToken(
            type="refresh_token",
            token_url="token",  # noqa: S106  # an address
            client_id=self.client_id,
            secret=self.secret,
            refresh_token=self.refresh_token,
        )
        auth = grant.make(self.base, secrets, clock.now, self.name)
        return Api(self.base, auth=auth, bounds=self.limits, secrets=secrets, clock=clock, tell=tell)

    def pages(self, api: Api, window: Window) -> Iterator[Page]:
        """Orders and customers that changed in the window."""
        since, until = (f"{moment:%Y-%m-%dT%H:%M:%S}+00:00" for moment in window.instants(self.zone, self.overlap))
        for name, query in (("orders", ORDERS), ("customers", CUSTOMERS)):
            yield from _listed(api, name, query, {"since": since, "until": until})

    def read(self, page: Page) -> Iterator[Frame]:
        """Customers; or orders with their lines, the products on them and what was taken back."""
        if page.stream == "customers":
            own, context = table("ec", "customers"), Context(self)
            records = [
                {**one, "_status": _coded(one["Status"], MEMBER), "_born": (one["birth"] or "")[:4] or None}
                for one in page.records
            ]
            yield common.frame("customers", mapped.rows(own, records, CUSTOMER, context, label=page.label, start=page.start))
            return
        states = {**STATUS, **self.status_map}
        records = [
            {**one, "_status": _coded(one["OrderStatus"], states), "_currency": one["currency_code"] or "JPY"}
            for one in page.records
        ]
        lines = [_line(order, one) for order in records for one in order["OrderItems"]]
        is_test = [False] * len(records)
        yield from frames(self, page._replace(records=records), ORDER, lines, [], is_test, common.UNDONE)


def _listed(api: Api, name: str, query: str, bounds: Mapping[str, Any]) -> Iterator[Page]:
    def send(extra: Mapping[str, Any], link: str | None) -> Answer:
        del link
        return api.graphql(query, {**bounds, **extra}, "api")

    paging = PageNumber(type="page", size_param="limit", size=PAGE, total=f"{name}.totalCount")
    return read_list(api, name, send, paging=paging, records=f"{name}.nodes")


def _coded(master: Any, words: Mapping[str, str]) -> str:
    """A master value in the contract's words, by its ID or its name; one that is not known stays, for the door to name."""
    return words.get(master["id"]) or words.get(master["name"]) or str(master["name"])


def _line(order: Any, one: Any) -> dict[str, Any]:
    stated = _coded(one["OrderItemType"], LINE_TYPE)
    price, tax, quantity = (Decimal(str(one[name])) for name in ("price", "tax", "quantity"))
    rate = ZERO if stated in ("tax", "points") else Decimal(str(one["tax_rate"])) / 100
    is_included = (one["TaxDisplayType"] or {}).get("id") == INCLUDED
    if stated == "tax":
        stated, tax, is_included = "fee", price, True
    net = price - tax if is_included else price
    return line(
        order, one["id"], stated, price, quantity=quantity, included=is_included, rate=rate, amount=net * quantity,
        tax=tax * quantity, sku=one["product_code"], name=one["product_name"],
    )  # fmt: skip
