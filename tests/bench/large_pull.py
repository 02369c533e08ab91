"""Memory and speed of landing one very large export, and one very long list of a live source.

    python -m tests.bench.large_pull                                # 5,000 MB of CSV and 1,000,000 orders over HTTP: hours, 40 GB
    python -m tests.bench.large_pull --megabytes 1000 --records 0   # the file alone, and smaller

The file is the order export of a shop with two years of orders, three lines in two orders; it is landed by `land` in a process of
its own: read, pseudonymised, judged at the door, written to the month files. The list is that of a WooCommerce shop, a hundred
orders a page, served on this machine by the server of the tests. Memory is the peak of the landing process alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from vendors.base import Reply, Request, served
from vendors.woocommerce import WooOrders, item, order

from pipelines.landing import land
from pipelines.settings import PROJECT
from pipelines.sources.connection import Connection, Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from tests.bench.measured import measure

FIRST, DAYS = date(2024, 10, 1), 730
LAST = FIRST + timedelta(days=DAYS - 1)
NIGHT = datetime.combine(LAST + timedelta(days=1), datetime.min.time(), UTC)
COLUMNS = {
    "order_id": "order", "customer_id": "customer", "mail": "mail", "ordered_at": "at", "line_no": "line", "sku": "sku",
    "product_name": "name", "quantity": "quantity", "unit_price": "price", "tax_rate": "tax", "total": "total",
}  # fmt: skip
BYTES_PER_ORDER = 172  # about: 1.75 lines
PER_PAGE = 100


def write_export(file: Path, megabytes: int) -> int:
    """Write an order export of about so many megabytes; the number of its lines."""
    draw, orders, lines = random.Random(1), max(1, megabytes * 1_000_000 // BYTES_PER_ORDER), 0
    seconds = DAYS * 86_400 / orders
    with file.open("w", encoding="utf-8") as export:
        export.write(",".join(COLUMNS.values()) + "\n")
        for number in range(orders):
            at = datetime.combine(FIRST, datetime.min.time()) + timedelta(seconds=int(number * seconds))
            customer = draw.randrange(number // 8 + 1)
            count = draw.choice((1, 1, 2, 3))
            for line in range(1, count + 1):
                goods, pieces, price = draw.randrange(40), draw.randrange(1, 4), draw.randrange(3, 40) * 100
                export.write(
                    f"N{number:09},C{customer:08},c{customer}@example.jp,{at},{line},TEA-{goods:03},煎茶 {goods}号,{pieces},"
                    f"{price},0.08,{pieces * price}\n"
                )
            lines += count
    return lines


class LongList(WooOrders):
    """A shop with so many orders, the newest first, that they are made when they are asked for."""

    page = PER_PAGE

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def answer(self, request: Request) -> Reply:
        """A page of orders; nobody has registered as a customer."""
        self.requests.clear()
        if not request.path.endswith("/orders"):
            return Reply([], headers={"X-WP-Total": "0", "X-WP-TotalPages": "0"})
        number, pages = int(request.query.get("page", 1)), -(-self.count // PER_PAGE)
        step = timedelta(seconds=DAYS * 86_400 // self.count)
        found = [
            order(self.count - place, NIGHT - timedelta(hours=9) - (place + 1) * step, [item(place, "1000", "100")])
            for place in range((number - 1) * PER_PAGE, min(number * PER_PAGE, self.count))
        ]
        links = {"Link": f'<{request.link(page=number + 1)}>; rel="next"'} if number < pages else {}
        return Reply(found, headers={"X-WP-Total": str(self.count), "X-WP-TotalPages": str(pages), **links})


def land_one(connection: Connection, home: Path) -> None:
    """Land two years of the connection and say how many order lines and how many seconds, of which the pull itself."""
    began, pulled = time.perf_counter(), [0.0]

    def log(line: str) -> None:
        if line.startswith(f"{connection.name}: ") and "rows so far" not in line:
            pulled[0] = pulled[0] or time.perf_counter() - began

    keys: Any = {name: name.encode() * 4 for name in ("employee", "customer", "social")}
    landed = land(
        [connection], Window(FIRST, LAST), home, Pseudonymiser(keys), Batch("bench", NIGHT), log=log,
        secrets=Secrets(WooOrders.secrets),
    )  # fmt: skip
    if landed.refused:
        raise SystemExit(str(landed.refused))
    lines = sum(row.landed for row in landed.tables if row.table == "order_lines")
    print(json.dumps({"lines": lines, "pull": pulled[0], "all": time.perf_counter() - began}))


def measured(entry: Mapping[str, Any], home: Path) -> tuple[int, str]:
    """Land the connection of `entry` in a process of its own: its lines, and the figures as cells of a table."""
    log = home.with_suffix(".log")
    command = [sys.executable, "-m", "tests.bench.large_pull", "--land", json.dumps(entry), "--home", str(home)]
    found = measure(command, {}, log, PROJECT)
    said = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    figures = f"{said['lines']:,} | {said['pull']:.0f} | {said['all']:.0f} | {found.cpu:.0f} | {found.peak / 1e6:.0f}"
    return said["lines"], figures


def main() -> None:
    """Make the sources, land them, print a table."""
    options = argparse.ArgumentParser(description="Lands one very large export and one very long list.")
    options.add_argument("--megabytes", type=int, default=5_000)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--folder", type=Path, default=PROJECT / ".cache", help="where there is room")
    options.add_argument("--land", help=argparse.SUPPRESS)
    options.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.land:
        entry = json.loads(given.land)
        land_one(MappedCsv.model_validate(entry) if "path" in entry else WooOrders().connection(**entry), given.home)
        return
    given.folder.mkdir(exist_ok=True)
    print("| source | order lines | pull, s | with door and month files, s | CPU, s | peak memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        if given.megabytes:
            export = Path(folder) / "export" / "orders.csv"
            export.parent.mkdir()
            lines = write_export(export, given.megabytes)
            size = os.stat(export).st_size / 1e6
            entry = {"name": "shop", "kind": "mapped_csv", "path": str(export.parent), "columns": COLUMNS}
            landed, figures = measured({**entry, "tax_rounding": "floor"}, Path(folder) / "file")
            print(f"| a CSV of {size:,.0f} MB | {figures} |", flush=True)
            if landed != lines:
                raise SystemExit(f"{lines:,} lines were written and {landed:,} landed")
        if given.records:
            with served(LongList(given.records)) as url:
                landed, figures = measured({"url": url}, Path(folder) / "list")
            print(f"| {given.records:,} orders over HTTP | {figures} |", flush=True)
            if landed != given.records:
                raise SystemExit(f"{given.records:,} orders of one line were served and {landed:,} landed")


if __name__ == "__main__":
    main()
