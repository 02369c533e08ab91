"""The door looks at some days after the other: what lands does not depend on how many rows it looks at together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from shops import Shop, line, many

from pipelines import batch_facts

DAYS = [f"2024-01-{day}" for day in (10, 11, 12, 13)]


def outcome(root: Path) -> dict[str, Any]:
    shop, wrong = Shop(root, "shop"), Shop(root, "wrong", home=root / "home")
    shop.drop(*(row for day in DAYS for row in many(5, day)), line("B1", DAYS[1]), line("B1", DAYS[1]), line("B1", DAYS[1]))
    # Told anew by a newer file, held back, and without a day.
    shop.drop(line("B1", DAYS[1], Amount="700"), line("C1", DAYS[2], Amount="x"), line("D1", "nonsense"), line("D1", "nonsense"))
    wrong.drop(*(row for day in DAYS for row in many(3, day)), line("A9", DAYS[3], Amount="1"), line("A9", DAYS[3], Amount="2"))
    landed = shop.land(DAYS[0], DAYS[-1], others=(wrong,))
    tables = {name: (shop.rows(name), shop.held_back(name)) for name in ("orders", "order_lines", "products")}
    return {**tables, "refused": landed.refused, "counts": [asdict(table) for table in landed.tables]}


def test_rows_looked_at_a_few_at_a_time_land_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = outcome(tmp_path / "together")
    monkeypatch.setattr(batch_facts, "ROWS_AT_ONCE", 4)
    assert outcome(tmp_path / "apart") == together
    landed, held_back = together["order_lines"]
    amounts = {row["order_id"]: row["amount"] for row in landed}
    assert (len(amounts), amounts["B1"]) == (len(landed), 700)
    assert len(landed) == 21
    assert sorted(row["key"] for row in held_back) == ["C1/1", "D1/1"]
    assert together["refused"] == {
        "wrong": "ec.order_lines: record A9/1 occurs more than once with different content (orders1.csv rows 14, 15)"
    }
    (lines,) = (one for one in together["counts"] if (one["connection"], one["table"]) == ("shop", "order_lines"))
    assert (lines["read"], lines["landed"], lines["quarantined"], lines["duplicates"]) == (27, 21, 2, 4)
