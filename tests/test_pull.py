"""One pull: persons never reach the disk, what cannot be read is told with its place, money and rows are counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pyarrow.parquet as pq
import pytest
from shops import KEYS, Shop, line

from pipelines.landing import land
from pipelines.sources.connection import Connection, Frame, Sheet, Window
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.hr import HrFiles
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Pulled, pull
from pipelines.sources.sns import MentionsCsv

BATCH = Batch("run-1", datetime(2024, 3, 1, tzinfo=UTC))
MENTION_COLUMNS = {"post_id": "投稿ID", "author": "投稿者", "posted_at": "投稿日時", "text": "本文", "likes": "いいね"}


def staged(connection: Connection, stage: Path) -> tuple[Pulled, dict[str, list[dict[str, Any]]]]:
    pulled = pull(connection, stage, Pseudonymiser(KEYS), BATCH)
    files = stage.glob(f"{connection.source}.*/{connection.name}.parquet")
    return pulled, {file.parent.name.split(".")[1]: pq.ParquetFile(file).read().to_pylist() for file in files}


def test_no_person_reaches_the_disk_wherever_the_row_ends(tmp_path: Path, shop: Shop) -> None:
    people = {"Buyer": "会員4711", "Mail": "Hanako.Sato@Example.JP", "Tel": "090-8642-9753"}
    shop.drop(
        *(line(f"B{number}", **people) for number in range(20)),
        line("A2", Tax="150", **people),  # quarantined
        line("A3", "2024-02-30", **people),  # quarantined without a day
        line("A4", **people | {"Amount": "Hanako.Sato@Example.JP"}),  # columns slipped: the cell itself is personal
        line("A5", **people | {"Pieces": "０９０－８６４２－９７５３"}),
        line("A6", **people | {"Tax": "+81 90 8642 9753"}),
    )
    (tmp_path / "drop" / "mentions").mkdir()
    (tmp_path / "drop" / "mentions" / "m.csv").write_text(
        "投稿ID,投稿者,投稿日時,本文,いいね\nm1,@Hanako_S,2024-01-31 10:00,佐藤花子です,1\n"
        "m2,@Hanako_S,2024-01-31 10:00,佐藤花子です,-1\n"
    )
    (tmp_path / "drop" / "hr").mkdir()
    (tmp_path / "drop" / "hr" / "employees.csv").write_text(
        "社員番号,メール,所属,適用日,入社日,退職日\nE4711,hanako@staff.jp,営業,2024-01-31,2020-04-01,\n"
        "E4711,hanako@staff.jp,営業,2024-01-30,2020-04-01,2019-01-01\n"
    )
    connections = [
        shop.connection,
        MentionsCsv(
            name="mentions", kind="mentions_csv", path=tmp_path / "drop" / "mentions", platform="x", columns=MENTION_COLUMNS
        ),
        HrFiles(name="hr", kind="hr_files", path=tmp_path / "drop" / "hr"),
    ]
    for connection in connections:
        pull(connection, shop.home / "stage", Pseudonymiser(KEYS), BATCH)
    window = Window(date(2024, 1, 1), date(2024, 2, 1))
    landed = land(connections, window, shop.home, Pseudonymiser(KEYS), BATCH)
    assert landed.refused == {}
    held_back = {row.table: row.quarantined for row in landed.tables if row.quarantined}
    assert held_back == {"orders": 5, "order_lines": 5, "mentions": 1, "employees": 1}
    # Parquet pages may be compressed: read the cells as well as the bytes.
    traces = []
    for file in shop.home.rglob("*"):
        if file.is_file():
            traces.append(file.read_bytes())
            if file.suffix == ".parquet":
                table = pq.ParquetFile(file).read()
                traces.append(repr((table.to_pydict(), table.schema.metadata)).encode())
    everything = b"\n".join(traces).lower()
    assert b"b19" in everything
    for person in ("hanako", "会員", "e4711", "86429753", "8642-9753", "8642 9753", "８６４２", "佐藤", "花子"):
        assert person.encode() not in everything, person


def test_a_cell_that_cannot_be_read_is_told_with_file_row_and_column(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1"), line("A2", Amount="many", Pieces="1.2.3"))
    _, tables = staged(shop.connection, tmp_path)
    good, bad = tables["order_lines"]
    assert good["_unparsed"] is None
    assert (bad["_file"], bad["_row"], bad["amount"], bad["quantity"]) == ("orders1.csv", 3, None, None)
    assert "amount: Amount 'many' not a number" in bad["_unparsed"].split("; ")
    assert "quantity: Pieces '1.2.3' not a number" in bad["_unparsed"].split("; ")
    landed = shop.land("2024-01-31")
    assert landed.refused == {}
    told = {row["key"]: row["reason"] for row in shop.held_back("order_lines")}
    assert told["A2/1"].endswith("(orders1.csv row 3)")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("2024-02-30", "'2024-02-30'"),
        ("hanako@example.jp", "'***'"),
        ("tel 090-1234-5678", "'tel ***'"),
        ("20240230100000", "'***'"),
    ],
)
def test_a_wrong_date_is_shown_and_what_could_name_a_person_is_not(tmp_path: Path, shop: Shop, raw: str, shown: str) -> None:
    shop.drop(line("A1", raw))
    _, tables = staged(shop.connection, tmp_path)
    assert f"ordered_at: Day {shown} " in tables["orders"][0]["_unparsed"]


def test_a_damaged_number_of_a_person_is_told_but_not_shown(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1", Buyer="5.70306E+17"))
    _, tables = staged(shop.connection, tmp_path)
    (order,) = tables["orders"]
    assert order["customer_pid"] is None
    assert order["_unparsed"].startswith("customer_pid: Buyer '***' ")


def test_an_amount_too_large_for_its_column_is_a_bad_cell_not_the_end_of_the_run(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1"), line("A2", Amount="4901234567894000"))
    pulled, tables = staged(shop.connection, tmp_path)
    assert pulled.error is None
    assert [row["amount"] for row in tables["order_lines"]] == [Decimal(500), None]
    assert "amount: 4901234567894000 is too large" in tables["order_lines"][1]["_unparsed"]
    assert pulled.money["order_lines"] == Decimal(500)


def test_a_number_beyond_calculation_refuses_the_connection_not_the_run(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1"), line("A2", Amount="9" * 30))
    pulled, tables = staged(shop.connection, tmp_path)
    assert "orders1.csv: a number is too large" in str(pulled.error)
    assert tables == {}


def test_rows_and_money_are_counted_over_all_files(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1", Amount="500"), line("A2", Amount="0.005"))
    shop.drop(line("A3", Amount="1000"))
    pulled, tables = staged(shop.connection, tmp_path)
    assert (pulled.files, pulled.rows) == (2, {"products": 2, "orders": 3, "order_lines": 3, "adjustments": 0})
    assert pulled.money["order_lines"] == Decimal("1500.005")
    assert [(row["_file"], row["_row"], row["_age"]) for row in tables["order_lines"]] == [
        ("orders1.csv", 2, 0), ("orders1.csv", 3, 0), ("orders2.csv", 2, 1)
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_leaves_nothing_of_the_good_ones(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1"))
    shop.drop("A2,1")
    pulled, tables = staged(shop.connection, tmp_path)
    assert "orders2.csv row 2" in str(pulled.error)
    assert tables == {}


def test_a_disk_error_is_the_connections_own_and_not_the_runs(tmp_path: Path) -> None:
    unreadable = Path("/proc/self/mem")  # a file whose first byte cannot be read, even by root
    if not unreadable.is_file():
        pytest.skip("needs Linux")
    pulled, _ = staged(Shop(tmp_path).connection.model_copy(update={"path": unreadable}), tmp_path / "stage")
    assert "mem: " in str(pulled.error)


def test_the_day_is_that_of_the_connections_zone(tmp_path: Path) -> None:
    tokyo, london = Shop(tmp_path, "tokyo"), Shop(tmp_path, "london", time_zone="Europe/London")
    for shop in (tokyo, london):
        shop.drop(line("A1", "2024-01-31T15:30:00+00:00"))
    days = [staged(shop.connection, tmp_path / shop.connection.name)[1]["orders"][0]["change_date"] for shop in (tokyo, london)]
    assert days == [date(2024, 2, 1), date(2024, 1, 31)]


def test_every_row_says_where_it_comes_from_and_which_run_landed_it(tmp_path: Path, shop: Shop) -> None:
    shop.drop(line("A1", Line="2"))
    _, tables = staged(shop.connection, tmp_path)
    (row,) = tables["order_lines"]
    assert (row["connection"], row["source_record_id"]) == ("shop", "A1/2")
    assert (row["landed_at"], row["batch_id"]) == (BATCH.landed_at, "run-1")


def test_connections_are_read_side_by_side_up_to_the_number_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, pair, lock, inside, seen = MappedCsv.read, Barrier(2, timeout=60), Lock(), list[str](), list[int]()

    def together(connection: MappedCsv, sheet: Sheet) -> Iterator[Frame]:
        with lock:
            inside.append(connection.name)
            seen.append(len(inside))
        pair.wait()  # alone, it would wait in vain
        yield from read(connection, sheet)
        with lock:
            inside.remove(connection.name)

    monkeypatch.setattr(MappedCsv, "read", together)
    first, *others = (Shop(tmp_path, f"shop{number}", home=tmp_path / "home") for number in range(4))
    for one in (first, *others):
        one.drop(line())
    landed = first.land("2024-01-31", others=tuple(others), threads=2)
    assert landed.refused == {}
    assert len(seen) == 4
    assert max(seen) == 2
