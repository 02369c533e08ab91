"""A shop of kind `rest`, and what one page of its orders gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.sources.ec.rest import RestShop
from pipelines.sources.live import LiveConnection, Page

READ_AT = datetime(2026, 11, 26, 17, tzinfo=UTC)


def shop(columns: Mapping[str, Any], rows: Mapping[str, Any] | None = None, **options: Any) -> RestShop:
    own = {"order_id": "id", "updated_at": "at", "ordered_at": "at", **columns}
    stream = {"table": "orders", "columns": own, "rows": rows or {}}
    return RestShop.model_validate(
        {"name": "shop", "kind": "rest", "url": "https://shop.example.com", "streams": {"orders": stream}, **options}
    )


def read(connection: LiveConnection, *records: Mapping[str, Any], stream: str = "orders") -> dict[str, list[dict[str, Any]]]:
    """What one page of these records gives, by table."""
    page = Page(stream, 1, 1, list(records), READ_AT)
    return {frame.table: frame.rows.to_dict("records") for frame in connection.read(page)}
