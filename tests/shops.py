"""A small shop with a drop folder and a landing zone of its own: what most tests of the way from file to landing zone need."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.landing import Landing, land
from pipelines.sources.connection import Window
from pipelines.sources.contract import table
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.places import Place, matching
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from pipelines.store import Store, read_file

HEADER = {
    "order_id": "No", "line_no": "Line", "ordered_at": "Day", "customer_id": "Buyer", "mail": "Mail", "phone": "Tel",
    "sku": "Item", "quantity": "Pieces", "amount": "Amount", "tax_rate": "Tax", "status": "State",
}  # fmt: skip
KEYS = {"employee": b"e" * 32, "customer": b"c" * 32, "social": b"s" * 32}


def line(order: str = "A1", day: str = "2024-01-31", **cells: str) -> str:
    """One row of the shop's export: a mug for 500 yen, unless said otherwise."""
    row = {"No": order, "Line": "1", "Day": day, "Buyer": "7", "Mail": "", "Tel": "", "Item": "mug", "Pieces": "1"}
    row |= {"Amount": "500", "Tax": "0", "State": "paid", **cells}
    return ",".join(row.values())


def many(count: int, day: str = "2024-01-31", **cells: str) -> list[str]:
    """One order of one line each, of one day."""
    return [line(f"{day}-{number}", day, **cells) for number in range(count)]


class Shop:
    """One connection of kind mapped_csv below `root`: drops files, lands days and reads back what lies in the landing zone."""

    def __init__(
        self, root: Path, name: str = "shop", home: Path | None = None, lake: Place | None = None, **options: Any
    ) -> None:
        self.folder = root / "drop" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = home or root / "home"
        self.lake = lake
        self.store = Store(self.home, lake)
        own = {"path": self.folder, "daily": False, **options}
        self.connection = MappedCsv(name=name, kind="mapped_csv", columns=HEADER, **own)
        self.files = self.clock = 0
        self.runs = 0
        self.keys = KEYS

    def drop(self, *lines: str, file: str | None = None) -> Path:
        """Drop an export; every drop is newer than the one before."""
        self.files += 1
        path = self.folder / (file or f"orders{self.files}.csv")
        path.write_text("\n".join([",".join(HEADER.values()), *lines]) + "\n", encoding="utf-8")
        self.touch(path)
        return path

    def touch(self, path: Path) -> None:
        """Send a file again: it becomes the newest."""
        self.clock += 1
        os.utime(path, (1_700_000_000 + self.clock, 1_700_000_000 + self.clock))

    def land(self, first: str, last: str | None = None, others: tuple[Shop, ...] = (), **options: Any) -> Landing:
        """Land the days from `first` to `last`, of this shop and `others`."""
        self.runs += 1
        window = Window(date.fromisoformat(first), date.fromisoformat(last or first))
        batch = Batch(f"run-{self.runs}", datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=self.runs))
        connections = [shop.connection for shop in (self, *others)]
        return land(connections, window, self.home, Pseudonymiser(self.keys), batch, lake=self.lake, **options)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The landed rows of one table, without what differs from run to run."""
        return self._read(self.store.landing, name, "landed_at", "batch_id")

    def held_back(self, name: str) -> list[dict[str, Any]]:
        """The quarantined rows of one table."""
        return self._read(self.store.quarantine, name, "batch_id")

    def _read(self, root: Place, name: str, *without: str) -> list[dict[str, Any]]:
        target = table("ec", name)
        files = matching(root / target.source / target.name, f"month=*/{self.connection.name}.parquet")
        return [row for file in files for row in read_file(file)[0].drop(list(without)).to_pylist()]
