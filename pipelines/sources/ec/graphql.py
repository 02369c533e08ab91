"""Any shop with a GraphQL API: connections.yaml holds the queries, how they are paged, and which field is which column.

Data flow: each of `streams` -> POST <url>, the query with its variables, page by page -> as `rest`.

Quirks: an answer with `errors` is an error even where its status is 200 and it holds data. The cost of queries is respected
where the source states it. `since.param`, `paging.param` and `size_param` name variables, `options.skip` one inside another.

    vendure_shop:
      source: ec
      kind: graphql
      url: https://shop.example.com/admin-api
      auth:
        type: session
        path: admin-api
        body:
          query: "mutation($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }"
          variables: {u: reader}
        secrets: {variables.p: VENDURE_PASSWORD}
        token_header: vendure-auth-token
      streams:
        orders:
          query: |
            query($options: OrderListOptions) { orders(options: $options) { totalItems items {
              code updatedAt orderPlacedAt state totalWithTax currencyCode customer { id }
              lines { id quantity linePrice linePriceWithTax productVariant { sku name } } } } }
          records: orders.items
          paging: {type: offset, param: options.skip, size_param: options.take, total: orders.totalItems}
          since: {param: options.filter.updatedAt.after}
          table: orders
          columns:
            order_id: code
            customer_pid: customer.id
            ordered_at: orderPlacedAt
            updated_at: updatedAt
            status: {path: state, words: {PaymentSettled: paid, Delivered: shipped, Cancelled: cancelled}}
            total_amount: {path: totalWithTax, minor_units: 2}
            currency: currencyCode
          rows:
            order_lines:
              each: lines
              columns:
                line_no: id
                sku: productVariant.sku
                product_name: productVariant.name
                quantity: quantity
                amount: {path: linePrice, minor_units: 2}
                gross: {path: linePriceWithTax, minor_units: 2}
"""

from __future__ import annotations

from pipelines.sources.ec.live import ShopStreams
from pipelines.sources.streams import GraphqlStream


class GraphqlShop(ShopStreams[GraphqlStream]):
    """A shop behind a GraphQL API."""

    @property
    def base(self) -> str:
        """The very address: GraphQL has one, and a slash more would be another."""
        return self.url
