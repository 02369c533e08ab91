"""One person goes out of landing zone, quarantine and logs whole, nobody else does, and no later pull brings them back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from shops import KEYS, Shop, line
from typer.testing import CliRunner

from pipelines import erasure, renewal, tombstones
from pipelines.batch_facts import Window
from pipelines.erasure import ErasureError, Found
from pipelines.landing import land
from pipelines.sources.connection import Person
from pipelines.sources.contract import table
from pipelines.sources.hr import HrFiles
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from pipelines.sources.sieve import Sieve
from pipelines.store import Store

Content = Callable[[Path], dict[str, tuple[int, bytes]]]
MAKE = Pseudonymiser(KEYS)
HANAKO = {"Buyer": "12", "Mail": "hanako@example.jp", "Tel": "090-1111-2222"}
TARO = {"Buyer": "7", "Mail": "taro@example.jp", "Tel": "090-3333-4444"}
TABLES = ("orders", "order_lines", "adjustments", "products")


def export(shop: Shop) -> None:
    """Hanako buys as a member, as a guest by mail, by phone alone, cancels, and has a row held back; Taro buys, too."""
    shop.drop(
        line("A1", **HANAKO),
        line("A1", **HANAKO | {"Line": "2", "Item": "cup"}),
        line("A2", "2024-02-10", **HANAKO | {"Buyer": "", "Tel": ""}),
        line("A3", "2024-02-10", **HANAKO | {"Buyer": "", "Mail": "HANAKO.old@example.jp"}),
        line("A4", **HANAKO | {"State": "cancelled"}),
        line("A5", **HANAKO | {"Tax": "150"}),  # held back
        line("A6", "2024-02-30", **HANAKO),  # held back without a day
        line("B1", **TARO),
        line("B2", "2024-02-10", **TARO),
        line("B3", **TARO | {"Tax": "150"}),
        line("B4", **TARO | {"State": "cancelled"}),
    )


def find(home: Path, subject: str, kind: Any = None, shops: tuple[str, ...] = ("shop",)) -> Found:
    known = erasure.people(Store(home), mails_per_phone=2)
    subjects = erasure.candidates(subject, kind, shops, ["x", "instagram"], MAKE)
    return erasure.find(subjects, known, tombstones.sieve(home, MAKE))


def remember(home: Path, found: Found) -> Sieve:
    tombstones.write(home, [*tombstones.read(home), tombstones.Tombstone("2024-03-01", tuple(map(MAKE.mark, found.pids)))])
    return tombstones.sieve(home, MAKE)


def everything(shop: Shop) -> dict[str, Any]:
    return {name: (shop.rows(name), shop.held_back(name)) for name in TABLES}


def counts_agree(shop: Shop) -> bool:
    days = [(name, day, entry) for name in TABLES for day, entry in shop.store.days(table("ec", name), "shop").items()]
    landed = {name: [row["change_date"] for row in shop.rows(name)] for name in TABLES}
    held = {name: [row["change_date"] for row in shop.held_back(name)] for name in TABLES}
    return all((entry.rows, entry.quarantined) == (landed[name].count(day), held[name].count(day)) for name, day, entry in days)


def test_a_customer_goes_whole_by_whatever_they_are_named_and_nobody_else_does(shop: Shop, tmp_path: Path) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    alone = Shop(tmp_path / "alone")
    alone.drop(*(text for text in (shop.folder / "orders1.csv").read_text().splitlines() if text.startswith("B")))
    alone.land("2024-01-01", "2024-02-28")
    mail = str(MAKE.pid(Person("customer", "mail", "hanako@example.jp")))
    names = ["12", "Hanako@Example.jp", "hanako.old@example.jp", "+81 90 1111 2222", mail]
    found, *others = [find(shop.home, name).pids for name in names]
    assert len(found) == 4  # number, two mail addresses, phone
    assert others == [found] * 4
    swept = {one.table: one for one in erasure.sweep(shop.store, remember(shop.home, find(shop.home, "12")))}
    assert (swept["ec.orders"].rows, swept["ec.order_lines"].rows, swept["ec.adjustments"].rows) == (4, 5, 1)
    assert (swept["ec.orders"].held_back, swept["ec.order_lines"].held_back) == (2, 2)

    def of_persons(one: Shop) -> list[Any]:
        names = ("orders", "order_lines", "adjustments")
        held = [sorted((row["key"], row["rule"]) for row in one.held_back(name)) for name in names]
        return [[one.rows(name) for name in names], held]

    assert of_persons(shop) == of_persons(alone)
    assert counts_agree(shop)
    assert not any(pid.encode() in plain for pid in found for plain in plain_texts(shop.home))


def plain_texts(home: Path) -> list[bytes]:
    """Every file of a home, Parquet as the text of its rows and its footer."""
    texts = []
    for path in home.rglob("*"):
        if path.is_file():
            texts.append(path.read_bytes())
        if path.suffix == ".parquet":
            texts.append(repr((pq.ParquetFile(path).read().to_pylist(), pq.read_metadata(path).metadata)).encode())
    return texts


def test_the_next_pull_of_the_same_files_does_not_bring_the_person_back_and_readmitting_does(shop: Shop) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    before = everything(shop)
    erasure.sweep(shop.store, remember(shop.home, find(shop.home, "12")))
    swept = everything(shop)
    said: list[str] = []
    landing = shop.land("2024-01-01", "2024-02-28", log=said.append)
    assert (landing.refused, everything(shop)) == ({}, swept)
    assert counts_agree(shop)
    assert any("rows of erased persons left out" in text for text in said)
    shop.drop(line("A9", "2024-02-11", Mail="hanako@example.jp", Buyer=""), line("B9", "2024-02-11", **TARO))
    shop.land("2024-02-11")
    assert [row["order_id"] for row in shop.rows("orders") if row["order_id"].endswith("9")] == ["B9"]
    (shop.folder / "orders2.csv").unlink()
    tombstones.write(shop.home, [])
    shop.land("2024-01-01", "2024-02-28")
    assert everything(shop) == before


def test_counting_first_changes_nothing_and_counts_what_goes(shop: Shop, content: Content) -> None:
    export(shop)
    shop.land("2024-01-01", "2024-02-28")
    found = find(shop.home, "12")
    before = content(shop.home)
    would = erasure.sweep(shop.store, Sieve([*map(MAKE.mark, found.pids)], MAKE), write=False)
    assert content(shop.home) == before
    assert would == erasure.sweep(shop.store, remember(shop.home, found))
    assert erasure.sweep(shop.store, tombstones.sieve(shop.home, MAKE)) == []


def test_an_order_that_the_shop_itself_made_nameless_stays_with_its_lines(shop: Shop) -> None:
    shop.drop(line("A1", **HANAKO))
    shop.land("2024-01-31")
    erasure.sweep(shop.store, remember(shop.home, find(shop.home, "12")))
    shop.drop(line("A1", Buyer=""))
    shop.land("2024-01-31")
    assert [row["order_id"] for row in shop.rows("order_lines")] == ["A1"]
    assert [row["customer_pid"] for row in shop.rows("orders")] == [None]


def test_a_phone_of_the_family_names_nobody_and_stays_with_the_others(shop: Shop) -> None:
    tel = {"Tel": "03-1234-5678"}
    shop.drop(*(line(f"A{n}", Buyer=str(n), Mail=f"m{n}@example.jp", **tel) for n in range(1, 4)))
    shop.land("2024-01-31")
    with pytest.raises(ErasureError, match="a customer's phone number that several persons share; name the one by"):
        find(shop.home, "0312345678")
    erasure.sweep(shop.store, remember(shop.home, find(shop.home, "2", "customer")))
    assert [row["order_id"] for row in shop.rows("orders")] == ["A1", "A3"]
    assert all(row["phone_pid"] for row in shop.rows("orders"))


def test_who_cannot_be_found_or_told_apart_is_an_error_that_does_not_repeat_the_name(shop: Shop, tmp_path: Path) -> None:
    other = Shop(tmp_path, "other", home=shop.home)
    shop.drop(line("A1", Buyer="12"))
    other.drop(line("A1", Buyer="12"))
    shop.land("2024-01-31", others=(other,))
    with pytest.raises(ErasureError, match=r"^no row in the landing zone or the quarantine names this person") as nobody:
        find(shop.home, "ghost@example.jp")
    assert "ghost" not in str(nobody.value)
    with pytest.raises(ErasureError, match="a customer number of shop or a customer number of other; say which with"):
        find(shop.home, "12", shops=("shop", "other"))
    assert find(shop.home, "12", shops=("other",)).what == "a customer number of other"


def test_the_command_shows_first_asks_and_tells_what_it_cannot_do(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Content
) -> None:
    from pipelines.cli import app

    columns = (
        "{order_id: 'No', line_no: Line, ordered_at: Day, customer_id: Buyer, mail: Mail, phone: Tel, sku: Item, quantity: Pieces"
    )
    entry = (
        f"{{source: ec, kind: mapped_csv, path: drop/shop, columns: {columns}, amount: Amount, tax_rate: Tax, status: State}}}}"
    )
    file = tmp_path / "connections.yaml"
    file.write_text(f"company: {{name: A, first_day: 2024-01-01}}\nconnections:\n  shop: {entry}\n")
    for name, value in {
        "HOME": shop.home,
        "CONNECTIONS": file,
        **{f"KEY_{of.upper()}": key.decode() for of, key in KEYS.items()},
    }.items():
        monkeypatch.setenv(f"ENGAGEMENT_{name}", str(value))
    export(shop)
    shop.land("2024-01-01", "2024-02-28")

    def erase(*arguments: str, answer: str = "") -> tuple[int, str]:
        result = CliRunner().invoke(app, ["erase", *arguments], input=answer)
        return result.exit_code, " ".join(result.output.split())

    nothing = (2, "error nothing was cut off; say whom to erase with --subject")
    assert erase() == nothing  # also writes down which keys the home has
    before = content(shop.home)
    code, told = erase("--subject", "12", "--kind", "customer", "--dry-run")
    assert (code, "a customer number of shop: one person with 4 pseudonyms" in told, "nothing was changed" in told) == (
        0,
        True,
        True,
    )
    code, told = erase("--subject", "-", "--kind", "customer", answer="hanako@example.jp\nn\n")
    assert (code, "Erase this person for good?" in told, "hanako" in told) == (1, True, False)
    assert erase() == nothing
    assert erase("--subject", "12", "--kind", "client") == (2, "error --kind 'client' is none of employee, customer, social")
    assert erase("--subject", "12", "--readmit") == (2, "error this person is not among the erased; nothing was changed")
    assert content(shop.home) == before


def staff(folder: Path, *rows: str) -> HrFiles:
    folder.mkdir(parents=True)
    header = "社員番号,メール,上司社員番号,所属,適用日,入社日,退職日"
    (folder / "employees.csv").write_text("\n".join([header, *(f"{row}," for row in rows)]) + "\n", encoding="utf-8")
    return HrFiles(name="hr", kind="hr_files", path=folder)


def test_an_employee_goes_and_their_staff_stay_without_a_manager(shop: Shop, tmp_path: Path) -> None:
    people = staff(
        tmp_path / "hr",
        "E1,boss@staff.jp,,営業,2024-01-31,2020-04-01",
        "E2,two@staff.jp,E1,営業,2024-01-31,2020-04-01",
        "E3,team@staff.jp,E2,営業,2024-01-31,2020-04-01",
        "E4,team@staff.jp,E1,営業,2024-01-31,2020-04-01",
    )

    def pull() -> list[dict[str, Any]]:
        window = Window(date(2024, 1, 1), date(2024, 1, 31))
        assert land([people], window, shop.home, MAKE, Batch("run", datetime(2024, 3, 1, tzinfo=UTC))).refused == {}
        return rows()

    def rows() -> list[dict[str, Any]]:
        file = Store(shop.home).file(table("hr", "employees"), "2024-01", "hr")
        return pq.ParquetFile(file).read().to_pylist()

    before = pull()
    with pytest.raises(ErasureError, match="an employee's mail address that several persons share"):
        find(shop.home, "team@staff.jp")
    found = find(shop.home, "boss@staff.jp")
    assert len(found.pids) == 2
    swept = erasure.sweep(Store(shop.home), remember(shop.home, found))
    assert [(one.rows, one.blanked) for one in swept] == [(1, 2)]
    assert len(rows()) == len(before) - 1
    assert sorted(row["manager_pid"] is None for row in rows()) == [False, True, True]
    left = [{name: value for name, value in row.items() if name != "landed_at"} for row in rows()]
    assert [{name: value for name, value in row.items() if name != "landed_at"} for row in pull()] == left


def test_a_pseudonym_leaves_logs_and_run_history_down_to_the_last_byte(tmp_path: Path) -> None:
    pid, other = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    (tmp_path / "nightly.log").write_text(f"顧客 {pid} and {other}, not x{pid}\n", encoding="utf-8")
    history = tmp_path / "dagster" / "runs.db"
    history.parent.mkdir()
    database = sqlite3.connect(history)
    database.execute("pragma journal_mode = wal")
    database.execute("create table events (id integer primary key, body text)")
    database.executemany("insert into events (body) values (?)", [(f'{{"key": "{pid}", "n": {n}}}',) for n in range(500)])
    database.execute("insert into events (body) values (?)", [f"{'x' * 9000} {pid} {'y' * 9000} {other}"])
    database.execute("delete from events where id % 2 = 0")  # what was deleted stays in the file until it is packed
    database.commit()
    database.close()
    renewal.scrub(tmp_path, lambda found: renewal.BLANK if found == pid else found)
    stored = b"".join(path.read_bytes() for path in history.parent.iterdir())
    assert pid.encode() not in stored
    assert other.encode() in stored
    log = (tmp_path / "nightly.log").read_text(encoding="utf-8")
    assert log == f"顧客 {renewal.BLANK} and {other}, not x{pid}\n"
    assert sqlite3.connect(history).execute("select count(*) from events").fetchone() == (251,)
