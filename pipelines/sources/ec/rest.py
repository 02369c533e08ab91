"""Any shop with a REST API: connections.yaml says where its lists are, how they are paged, and which field is which column.

Data flow: each of `streams` -> GET <url>/<path>, page by page -> the stream's table and the tables in `rows`; orders with lines
also give ec.products and, when cancelled or returned as a whole, ec.adjustments.

Quirks: a list without a date filter is read from the newest on (`newest_first`) until it is older than the window, and then only
what the list is sorted by may stand in `updated_at`. What a list leaves out of its records, `details` fetch one by one.

    my_shop:
      source: ec
      kind: rest
      url: https://shop.example.com/api/
      auth: {type: bearer, secret: MY_SHOP_TOKEN}
      tax_included: true
      tax_rate: 0.1
      streams:
        orders:
          path: orders
          records: results
          paging: {type: next_link, path: next}
          since: {param: updated_after}
          until: {param: updated_before}
          table: orders
          columns:
            order_id: number
            customer_pid: user.id
            ordered_at: created
            updated_at: modified
            status: {path: state, words: {open: placed, done: shipped, void: cancelled}}
            total_amount: total
          rows:
            order_lines:
              each: lines
              columns: {line_no: id, sku: sku, product_name: title, quantity: quantity, unit_price: price}
"""

from __future__ import annotations

from pipelines.sources.ec.live import ShopStreams
from pipelines.sources.streams import RestStream


class RestShop(ShopStreams[RestStream]):
    """A shop behind a REST API."""
