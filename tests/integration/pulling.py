"""Pulling one of the live servers through its entry in `connections.yaml` here, and reading what landed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.landing import Landing, land
from pipelines.settings import read_connections
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from tests.integration.install import HERE
from tests.shops import KEYS

TOKYO = ZoneInfo("Asia/Tokyo")
FIRST_NIGHT = datetime.now(TOKYO).date() - timedelta(days=2)  # the day of the first night of test_nightly.py
HISTORY = 10  # days: everything that is seeded is younger


def entries(first_day: date, *names: str) -> dict[str, Any]:
    """The connections.yaml of a history that begins with `first_day`, with the connections `names` alone."""
    content: dict[str, Any] = yaml.safe_load((HERE / "connections.yaml").read_text(encoding="utf-8"))
    content["company"]["first_day"] = first_day
    content["connections"] = {name: content["connections"][name] for name in names}
    return content


@dataclass
class Pulling:
    """One connection with a home of its own; `variables` are its addresses and secrets."""

    name: str
    root: Path
    variables: dict[str, str]
    log: list[str] = field(default_factory=list)
    runs: int = 0

    def land(self, start: date | None = None, end: date | None = None, **options: Any) -> Landing:
        """Land the days from `start` to `end`; the whole history without them."""
        self.runs += 1
        today = datetime.now(UTC).date() + timedelta(days=1)  # Tokyo's day may have begun
        window = Window(start or today - timedelta(days=HISTORY), end or today)
        file = self.root / "connections.yaml"
        file.write_text(yaml.safe_dump(entries(window.start, self.name), allow_unicode=True), encoding="utf-8")
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {**self.variables, "LAST_DAY": f"{window.end}"}.items():
                environment.setenv(name, value)
            connection = read_connections(file).connections[self.name]
        batch = Batch(f"run-{self.runs}", datetime.now(UTC))
        secrets = Secrets(self.variables)
        home = self.root / "home"
        landed = land([connection], window, home, Pseudonymiser(KEYS), batch, secrets=secrets, log=self.log.append, **options)
        self.log.append(landed.work[self.name])
        return landed

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows that lie in a table (ec.orders), the newest version of each record, without what differs from run to run."""
        source, name = table.split(".")
        files = sorted((self.root / "home" / "landing" / source / name).glob(f"month=*/{self.name}.parquet"))
        read = [row for file in files for row in pq.ParquetFile(file).read().drop(["landed_at", "batch_id"]).to_pylist()]
        newest = {row["source_record_id"]: row for row in sorted(read, key=lambda row: row["updated_at"])}
        return sorted(newest.values(), key=lambda row: str(row["source_record_id"]))
