"""Month files: a day is replaced whole, the rest of the file stays, and nobody ever reads half a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shops import Shop, line

from pipelines.sources.contract import TABLES, table
from pipelines.store import MANIFEST, NO_MONTH, QUARANTINE_SCHEMA, Day, Store

Content = Callable[[Path], dict[str, tuple[int, bytes]]]
FINANCE = table("hr", "finance")


def figure(day: int, unit: str, amount: int, run: str = "run-1") -> dict[str, Any]:
    moment = datetime(2024, 1, day, tzinfo=UTC)
    common = {"connection": "hr", "change_date": moment.date(), "source_record_id": unit, "updated_at": moment}
    common |= {"business_date": moment.date(), "landed_at": moment, "batch_id": run}
    return common | {
        "business_unit": unit,
        "month": date(2024, 1, 1),
        "account": "sales",
        "amount": Decimal(amount),
        "currency": "JPY",
    }


def replace(store: Store, days: list[int], *rows: dict[str, Any], month: int = 1) -> None:
    entries = {
        date(2024, month, day): Day(
            rows=sum(row["change_date"].day == day for row in rows),
            quarantined=0,
            duplicates=0,
            hash=f"1:{day}",
            window=("2024-01-01", "2024-01-31"),
            extractor="1",
            run="run-1",
            landed_at="2024-02-01T00:00:00+00:00",
        )
        for day in days
    }
    store.replace(
        FINANCE,
        "hr",
        lambda asked: pa.Table.from_pylist([row for row in rows if row["change_date"] in asked], FINANCE.schema),
        lambda _: QUARANTINE_SCHEMA.empty_table(),
        entries,
    )


def landed(store: Store, month: str = "2024-01") -> pa.Table:
    return pq.ParquetFile(store.file(FINANCE, month, "hr")).read()


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1], figure(1, "tea", 10))
    for folder in (store.file(FINANCE, "2024-01", "hr").parent, store.quarantine_file(FINANCE, "2024-01", "hr").parent):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".hr.parquet.4711.tmp").write_bytes(b"PAR1 half")
    store.prepare()
    assert list(tmp_path.rglob("*.tmp")) == []
    assert landed(store).num_rows == 1


def test_a_day_is_replaced_whole_and_the_other_days_keep_their_values(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = [figure(1, "tea", 10), figure(1, "sweets", 20), figure(2, "tea", 30), figure(3, "tea", 40)]
    replace(store, [1, 2, 3], *first)
    before = landed(store)
    replace(store, [2], figure(2, "gifts", 7, "run-2"))
    after = landed(store)
    assert after.column("business_unit").to_pylist() == ["sweets", "tea", "gifts", "tea"]
    is_other = [day.day != 2 for day in before["change_date"].to_pylist()]
    kept = [day.day != 2 for day in after["change_date"].to_pylist()]
    assert after.filter(kept).combine_chunks().equals(before.filter(is_other).combine_chunks())


def test_a_day_without_rows_is_emptied_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1, 2], figure(1, "tea", 10), figure(2, "tea", 30))
    replace(store, [2])
    assert landed(store)["amount"].to_pylist() == [Decimal(10)]
    assert {day.day: entry.rows for day, entry in store.days(FINANCE, "hr").items()} == {1: 1, 2: 0}


def test_a_day_that_never_had_rows_makes_no_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1])
    assert not store.file(FINANCE, "2024-01", "hr").exists()


def test_rows_are_sorted_and_row_groups_break_at_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.store.ROW_GROUP", 2)
    store = Store(tmp_path)
    replace(store, [1, 2, 3], *(figure(day, unit, day) for day in (3, 1, 2) for unit in ("tea", "gifts")))
    file = pq.ParquetFile(store.file(FINANCE, "2024-01", "hr"))
    groups = [file.read_row_group(number).select(["change_date", "business_unit"]).to_pylist() for number in range(3)]
    assert file.num_row_groups == 3
    assert [[(row["change_date"].day, row["business_unit"]) for row in group] for group in groups] == [
        [(day, "gifts"), (day, "tea")] for day in (1, 2, 3)
    ]


def test_rows_are_asked_for_some_days_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.store.AT_ONCE", 3)
    rows = {day: [figure(day, unit, day) for unit in ("tea", "gifts")] for day in range(1, 6)}
    held, asked = QUARANTINE_SCHEMA.empty_table(), list[list[int]]()

    def of(days: Sequence[date]) -> pa.Table:
        asked.append([day.day for day in days])
        return pa.Table.from_pylist([row for day in days for row in rows[day.day]], FINANCE.schema)

    entries = {
        date(2024, 1, day): Day(len(found), 0, 0, "", ("", ""), "1", "run-1", "") for day, found in [*rows.items(), (6, [])]
    }
    rows[6] = []
    Store(tmp_path).replace(FINANCE, "hr", of, lambda _: held, entries)
    assert asked == [[1], [2], [3], [4], [5, 6]]
    assert landed(Store(tmp_path))["amount"].to_pylist() == [Decimal(day) for day in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)]


def test_few_rows_of_many_days_share_a_row_group(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1, 2, 3], *(figure(day, "tea", day) for day in (1, 2, 3)))
    assert pq.ParquetFile(store.file(FINANCE, "2024-01", "hr")).num_row_groups == 1


def test_each_month_is_a_file_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [31], figure(31, "tea", 10))
    late = figure(1, "tea", 20) | {"change_date": date(2024, 2, 1)}
    replace(store, [1], late, month=2)
    assert landed(store)["amount"].to_pylist() == [Decimal(10)]
    assert landed(store, "2024-02")["amount"].to_pylist() == [Decimal(20)]
    assert sorted(store.days(FINANCE, "hr")) == [date(2024, 1, 31), date(2024, 2, 1)]


def test_the_manifest_lies_in_the_footer_and_agrees_with_the_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1, 2], figure(1, "tea", 10), figure(2, "tea", 30), figure(2, "gifts", 30))
    file = store.file(FINANCE, "2024-01", "hr")
    manifest = json.loads(pq.read_metadata(file).metadata[MANIFEST])
    days = landed(store)["change_date"].to_pylist()
    assert {day: entry["rows"] for day, entry in manifest.items()} == {"2024-01-01": 1, "2024-01-02": 2}
    assert all(days.count(date.fromisoformat(day)) == entry["rows"] for day, entry in manifest.items())
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("target", TABLES, ids=lambda target: target.id)
def test_an_absent_table_is_an_empty_typed_file(target: Any, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    file = pq.ParquetFile(store.file(target, NO_MONTH, "empty"))
    assert file.schema_arrow.equals(target.schema)
    assert file.metadata.num_rows == 0


def test_no_two_tables_of_the_contract_share_a_name() -> None:
    assert len(TABLES) == len({target.id for target in TABLES}) == 22


def test_an_empty_file_of_an_older_contract_is_written_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    file = store.file(FINANCE, NO_MONTH, "empty")
    pq.write_table(pa.table({"amount": pa.array([], pa.int64())}), file)
    store.prepare()
    assert pq.read_schema(file).equals(FINANCE.schema)


def test_rows_landed_before_a_column_was_added_keep_it_empty(tmp_path: Path) -> None:
    store = Store(tmp_path)
    replace(store, [1], figure(1, "tea", 10))
    file = store.file(FINANCE, "2024-01", "hr")
    old = pq.ParquetFile(file).read()
    pq.write_table(old.drop(["currency"]), file)
    replace(store, [2], figure(2, "tea", 20))
    assert landed(store)["currency"].to_pylist() == [None, "JPY"]


def test_landing_the_same_again_changes_no_file(shop: Shop, content: Content) -> None:
    shop.drop(line("A1"), line("A2", Tax="150"), line("A3", day="2024-02-30"), line("A4", "2024-02-01"))
    shop.land("2024-01-01", "2024-02-02")
    before = {root: content(root) for root in (shop.store.landing, shop.store.quarantine)}
    assert len(shop.held_back("order_lines")) == 2
    shop.land("2024-01-01", "2024-02-02")
    shop.land("2024-02-01")
    assert {root: content(root) for root in before} == before


def test_a_manifest_says_what_became_of_the_day(shop: Shop) -> None:
    shop.drop(line("A1"), line("A2", Tax="150"), line("A3", "2024-02-01"))
    shop.drop(line("A1"))
    shop.land("2024-01-01", "2024-02-02")
    day = shop.store.days(table("ec", "order_lines"), "shop")[date(2024, 1, 31)]
    assert (day.rows, day.quarantined, day.duplicates, day.run) == (1, 1, 1, "run-1")
    assert day.window == ("2024-01-01", "2024-02-02")
