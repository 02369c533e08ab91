"""The door: each rule holds back its own bad row, each batch rule refuses its own bad batch and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shops import KEYS, Shop, line, many

from pipelines.door import Door
from pipelines.landing import Landing
from pipelines.quality.gate import RuleResult
from pipelines.quality.landing import BATCH_RULES, IN_ORDER, door_rules, row_rules
from pipelines.sources.connection import Connection, Window
from pipelines.sources.contract import TABLES, sources, table
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Pulled, money_column, pull, stage_schema
from pipelines.sources.schema import Table
from pipelines.store import Store

DAY = date(2024, 1, 31)
NOON = datetime(2024, 1, 31, 3, tzinfo=UTC)
WINDOW = Window(date(2024, 1, 1), DAY)
# `parsed` is told by the pull, `connection` is the pull's own.
REQUIRED = [(t, column.name) for t in TABLES for column in t.all_columns if column.required and column.name != "connection"]


# -- row rules: one clean row per table, and one broken row per rule and alternative -------------------------------------------


class Everything(Connection):
    """A connection that stages every table of its source."""


def connection_of(source: str) -> Connection:
    names = tuple(t.name for t in TABLES if t.source == source)
    kind = type("Everything", (Everything,), {"source": source, "tables": names, "__module__": __name__})
    made: Connection = kind(name=f"all_{source}", kind="everything", daily=False)
    return made


def clean_row(target: Table, number: int) -> dict[str, Any]:
    """A row that breaks no rule; `number` keeps keys and documents apart."""
    row: dict[str, Any] = {"_file": "made.csv", "_row": number + 2, "_age": 0, "_unparsed": None}
    for column in target.all_columns:
        low = column.minimum if column.minimum is not None else min(0, column.maximum or 0)
        row[column.name] = {
            "string": column.enum[0] if column.enum else f"{column.name} {number}",
            "int": int(low),
            "float": float(low),
            "money": Decimal(int(low)),
            "bool": True,
            "date": DAY,
            "timestamp": NOON,
        }[column.type]
    return row | {"connection": f"all_{target.source}", "source_record_id": f"{target.name} {number}"}


def broken_rows(target: Table) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(rule, what is wrong, the cells that make it wrong) for every rule of the table and every alternative in it."""
    yield "parsed", "unparsed", {"_unparsed": "quantity: 数量 'x' not a number"}
    for name in (name for t, name in REQUIRED if t is target):
        yield "required", name, {name: None}
    for column in target.columns:
        whole = Decimal(1) if column.type == "money" else 1
        if column.minimum is not None:
            yield f"range_{column.name}", f"{column.name} too low", {column.name: type(whole)(int(column.minimum)) - whole}
        if column.maximum is not None:
            yield f"range_{column.name}", f"{column.name} too high", {column.name: type(whole)(int(column.maximum)) + whole}
    for later, earlier in IN_ORDER.get(target.id, ()):
        before = DAY if target.column(later).type == "date" else NOON
        yield f"{later}_after_{earlier}", f"{later} first", {later: before - timedelta(days=1)}


BROKEN = [(t.id, rule, wrong) for t in TABLES for rule, wrong, _ in broken_rows(t)]


@dataclass
class Judged:
    """What the door said of one clean row and all broken rows of every table."""

    checks: dict[str, list[RuleResult]]
    landed: dict[str, list[str]]
    held_back: dict[str, dict[str, tuple[str, str]]]  # by table and record: rule and reason


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    stage, home = tmp_path_factory.mktemp("stage"), tmp_path_factory.mktemp("home")
    pulls = []
    for source in sources():
        pulled = Pulled(connection_of(source))
        for target in (t for t in TABLES if t.source == source):
            rows = [clean_row(target, 0)]
            for number, (_, _, cells) in enumerate(broken_rows(target), start=1):
                rows.append(clean_row(target, number) | cells)
            (stage / target.id).mkdir()
            staged = pa.Table.from_pylist(rows, stage_schema(target))
            pq.write_table(staged, stage / target.id / f"all_{source}.parquet")
            pulled.rows[target.name] = len(rows)
            if money := money_column(target):
                pulled.money[target.name] = sum((row[money] for row in rows if row[money] is not None), Decimal(0))
        pulls.append(pulled)
    door = Door(stage, Store(home), pulls, WINDOW)
    checks = door.judge()
    landed, held_back = {}, {}
    for (id_, _), due in door.due.items():
        landed[id_] = door.passed_rows(due, due.changed)["source_record_id"].to_pylist()
        rows = [*door.held_back(due, due.looked_at).to_pylist(), *door.held_back_undated(due).to_pylist()]
        held_back[id_] = {row["key"]: (row["rule"], row["reason"]) for row in rows}
    assert {name: counts.lost for name, counts in door.counts.items() if counts.lost} == {}
    door.close()
    return Judged(checks, landed, held_back)


@pytest.mark.parametrize(("id_", "rule", "wrong"), BROKEN, ids=[f"{id_}-{rule}-{wrong}" for id_, rule, wrong in BROKEN])
def test_a_broken_row_is_held_back_by_its_own_rule_alone(judged: Judged, id_: str, rule: str, wrong: str) -> None:
    target = table(*id_.split("."))
    number = 1 + [one for one in broken_rows(target)].index(next(one for one in broken_rows(target) if one[:2] == (rule, wrong)))
    record = None if wrong == "source_record_id" else f"{target.name} {number}"
    told, reason = judged.held_back[id_][record]  # type: ignore[index]
    assert told == rule
    assert reason.endswith(f"(made.csv row {number + 2})")
    assert (wrong.split()[0] in reason) or rule == "parsed"
    assert record not in judged.landed[id_]


@pytest.mark.parametrize("target", TABLES, ids=lambda target: target.id)
def test_a_clean_row_of_every_table_lands(judged: Judged, target: Table) -> None:
    assert judged.landed[target.id] == [f"{target.name} 0"]


@pytest.mark.parametrize("target", TABLES, ids=lambda target: target.id)
def test_every_rule_of_a_table_ran_and_found_exactly_its_own_bad_rows(judged: Judged, target: Table) -> None:
    results = {result.rule.name: result for result in judged.checks[target.id]}
    assert tuple(results) == tuple(rule.name for rule in door_rules(target))
    broken = [rule for rule, _, _ in broken_rows(target)]
    for rule in row_rules(target):
        assert (results[rule.name].failed, results[rule.name].passed) == (broken.count(rule.name), False), rule.name
        assert results[rule.name].checked == len(broken) + 1


# -- batch rules: each refuses the connection whose batch breaks it, and that connection alone ---------------------------------


@dataclass
class Refusals:
    landing: Landing
    shops: dict[str, Shop]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """One landing of a good connection among one bad connection per batch rule."""
    root = tmp_path_factory.mktemp("batches")
    shops = {
        name: Shop(root, name, home=root / "home", daily=name == "volume")
        for name in (
            "good", "no_path", "no_encoding", "no_column", "types", "known_values", "unique_keys", "volume", "no_shrink",
            "quarantine_share",
        )
    }  # fmt: skip
    shops["good"].drop(line("A1"))
    shops["no_path"].folder.rmdir()
    shops["no_encoding"].drop(line("A1")).write_bytes(b"No,Day\nA1,\x81\xff\n")
    shops["no_column"].drop(line("A1")).write_text("No,Line,Dayy\nA1,1,2024-01-31\n")
    shops["types"].drop(*many(30), *many(4, "2024-01-30", Amount="5oo"))
    shops["known_values"].drop(line("A1"), line("A2", State="発送待ち"))
    shops["unique_keys"].drop(line("A1", Amount="500"), line("A1", Amount="600"))
    for week in range(1, 5):
        shops["volume"].drop(*many(10, (DAY - timedelta(days=7 * week)).isoformat()))
    shops["quarantine_share"].drop(*many(10), *many(4, "2024-01-30", Tax="150"))
    shrinking = shops["no_shrink"].drop(*many(12))
    shops["no_shrink"].land("2024-01-01", "2024-01-31")
    shrinking.write_text("\n".join(shrinking.read_text().splitlines()[:6]) + "\n")  # 5 of the 12 orders are left
    first, *others = shops.values()
    return Refusals(first.land("2024-01-01", "2024-01-31", others=tuple(others)), shops)


@pytest.mark.parametrize(
    ("name", "rule", "message"),
    [
        ("no_path", "readable", "no_path does not exist; create the drop folder or correct `path`"),
        ("no_encoding", "readable", "orders1.csv is not UTF-8 (byte 10) and not cp932 (byte 10); export it again as UTF-8"),
        ("no_column", "readable", "orders1.csv has no column Day, Buyer, Mail, Tel, Item, Pieces, Amount, Tax, State"),
        (
            "types",
            "types",
            "4 of 34 cells of a column cannot be read, first amount: Amount '5oo' not a number (orders1.csv row 32)",
        ),
        ("known_values", "known_values", "status has the unknown value '発送待ち' (orders1.csv row 3); known are placed, paid"),
        ("unique_keys", "unique_keys", "record A1/1 occurs more than once with different content (orders1.csv rows 2, 3)"),
        ("volume", "volume", "2024-01-31 has 0 rows, that weekday usually 10; run again when its file is there, or with"),
        ("no_shrink", "no_shrink", "7 of the 12 rows landed for 2024-01-31 are gone; put the missing file back, or run with --"),
        ("quarantine_share", "quarantine_share", "4 of 14 rows are held back"),
    ],
)
def test_a_bad_batch_is_refused_by_its_own_rule(refusals: Refusals, name: str, rule: str, message: str) -> None:
    assert message in refusals.landing.refused[name]
    assert "\n" not in refusals.landing.refused[name]
    failing = {result.rule.name for results in refusals.landing.checks.values() for result in batch_results(results, name)}
    assert failing == {rule}


def batch_results(results: list[RuleResult], name: str) -> list[RuleResult]:
    names = {rule.name for rule in BATCH_RULES}
    return [one for one in results if one.rule.name in names and any(key.startswith(f"{name}: ") for key in one.failing)]


def test_the_good_connection_lands_and_is_named_nowhere(refusals: Refusals) -> None:
    assert "good" not in refusals.landing.refused
    assert [row["order_id"] for row in refusals.shops["good"].rows("orders")] == ["A1"]


def test_a_refused_connection_keeps_what_it_had_and_lands_nothing(refusals: Refusals) -> None:
    assert {name: len(shop.rows("orders")) for name, shop in refusals.shops.items() if name != "good"} == {
        name: 12 if name == "no_shrink" else 0 for name in refusals.shops if name != "good"
    }
    assert [row for row in refusals.landing.tables if row.connection in refusals.landing.refused and row.landed] == []


def test_a_shrink_that_is_accepted_lands(refusals: Refusals) -> None:
    shop = refusals.shops["no_shrink"]
    assert shop.land("2024-01-01", "2024-01-31", accept_shrink=True).refused == {}
    assert len(shop.rows("orders")) == 5


@pytest.mark.parametrize("what", ["rows", "money"])
def test_what_is_lost_between_pull_and_door_refuses_the_batch(tmp_path: Path, shop: Shop, what: str) -> None:
    shop.drop(line("A1", Amount="500"), line("A2", Amount="300"))
    pulled = pull(shop.connection, tmp_path, Pseudonymiser(KEYS), Batch("run-1", NOON))
    file = tmp_path / "ec.order_lines" / "shop.parquet"
    staged = pq.ParquetFile(file).read()
    if what == "rows":
        staged = staged.slice(0, 1)
    else:
        cheaper = pa.array([Decimal(500), Decimal(200)], pa.decimal128(18, 4))
        staged = staged.set_column(staged.schema.get_field_index("amount"), "amount", cheaper)
    pq.write_table(staged, file)
    door = Door(tmp_path, shop.store, [pulled], WINDOW)
    failed = {result.rule.name for result in door.judge()["ec.order_lines"] if not result.passed}
    refused = door.blocked()
    door.close()
    assert failed == ({"rows_conserved", "money_conserved"} if what == "rows" else {"money_conserved"})
    assert ("1 rows are unaccounted for" if what == "rows" else "100.0 in money is unaccounted for") in refused["shop"]


def test_a_row_rule_that_cannot_run_refuses_the_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IN_ORDER, "ec.orders", (("no_such_column", "ordered_at"),))
    shop.drop(line("A1"))
    landed = shop.land("2024-01-31")
    assert "the check no_such_column_after_ordered_at did not run" in landed.refused["shop"]
    assert shop.rows("orders") == []
