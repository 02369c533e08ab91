"""The gate cannot pass by accident: every rule that did not really look at rows fails with its own reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.quality.gate import Gate, Rule

POSITIVE = Rule("positive", "ExpectColumnValuesToBeBetween", {"column": "n", "min_value": 0}, "n is at least 0", ("n",))
NAMED = Rule("named", "ExpectColumnValuesToBeNull", {"column": "wrong"}, "nothing is wrong", ("wrong",))
TWO_ROWS = Rule("two_rows", "ExpectTableRowCountToBeBetween", {"min_value": 2}, "there are two rows")


@pytest.fixture
def checked(tmp_path: Path) -> Path:
    folder = tmp_path / "お茶 & 100% o'neil"  # as a person may call it
    folder.mkdir()
    with duckdb.connect(str(folder / "checked.duckdb")) as database:
        database.execute("create table clean (id varchar, n int, wrong varchar)")
        database.execute("insert into clean values ('a', 1, null), ('b', 2, null)")
        database.execute(
            "create table dirty as select 'r' || i as id, if(i < 30, -i, i) as n, null as wrong from range(1, 101) as r(i)"
        )
        database.execute("create table empty (id varchar, n int, wrong varchar)")
    return folder / "checked.duckdb"


@pytest.fixture
def gate(checked: Path) -> Iterator[Gate]:
    with Gate(checked) as opened:
        yield opened


def test_a_rule_whose_expectation_raises_fails_and_the_others_still_tell(gate: Gate) -> None:
    unknown = Rule("unknown", "ExpectColumnValuesToBeNull", {"column": "no_such"}, "why")
    raised, passed = gate.check("clean", ("id",), [unknown, POSITIVE], may_be_empty=False)
    assert not raised.passed
    assert raised.checked == 0
    assert raised.detail.startswith("the expectation raised: ")
    assert "no_such" in raised.detail
    assert passed.passed


def test_a_rule_of_no_known_expectation_is_an_error_not_a_pass(gate: Gate) -> None:
    with pytest.raises(AttributeError, match="ExpectNothing"):
        gate.check("clean", ("id",), [Rule("odd", "ExpectNothing", {}, "why")], may_be_empty=False)


def test_a_rule_that_hides_behind_an_equal_one_fails_or_passes_on_its_own(gate: Gate) -> None:
    twin = Rule("twin", POSITIVE.expectation, POSITIVE.kwargs, POSITIVE.why)
    results = gate.check("dirty", ("id",), [POSITIVE, twin], may_be_empty=False)
    assert [result.rule.name for result in results] == ["positive", "twin"]
    assert not any(result.passed for result in results)


@pytest.mark.parametrize("may_be_empty", [True, False])
def test_a_missing_table_fails_every_rule(gate: Gate, may_be_empty: bool) -> None:
    results = gate.check("absent", ("id",), [POSITIVE, TWO_ROWS], may_be_empty=may_be_empty)
    assert [(result.passed, result.checked, result.detail) for result in results] == [(False, 0, "absent does not exist")] * 2


def test_an_empty_table_that_may_not_be_empty_fails_every_rule(gate: Gate) -> None:
    results = gate.check("empty", ("id",), [POSITIVE, NAMED], may_be_empty=False)
    assert [(result.passed, result.detail) for result in results] == [(False, "empty is empty")] * 2


def test_an_empty_table_that_may_be_empty_says_that_nothing_was_checked(gate: Gate) -> None:
    results = gate.check("empty", ("id",), [POSITIVE, NAMED], may_be_empty=True)
    assert [(result.passed, result.checked, result.detail) for result in results] == [(True, 0, "no rows")] * 2


def test_every_failing_row_is_counted_and_can_be_selected_and_five_are_shown(checked: Path) -> None:
    with Gate(checked) as gate:
        (result,) = gate.check("dirty", ("id",), [POSITIVE], may_be_empty=False)
    assert (result.passed, result.checked, result.failed) == (False, 100, 29)
    assert result.failing == ["r1", "r2", "r3", "r4", "r5"]
    with duckdb.connect(str(checked), read_only=True) as database:
        assert database.execute(f"select count(*) from ({result.query})").fetchall() == [(29,)]


def test_a_rule_about_the_whole_table_says_what_it_observed(gate: Gate) -> None:
    passed, failed = gate.check(
        "clean",
        ("id",),
        [TWO_ROWS, Rule("three_rows", "ExpectTableRowCountToBeBetween", {"min_value": 3}, "there are three rows")],
        may_be_empty=False,
    )
    assert passed.passed
    assert (failed.passed, failed.failed, failed.detail) == (False, 1, "there are three rows; observed 2")


def test_there_is_one_result_per_rule_in_their_order(gate: Gate) -> None:
    rules = [TWO_ROWS, POSITIVE, NAMED]
    for table in ("clean", "dirty", "empty", "absent"):  # with rows, with bad rows, without rows, without a table
        assert [result.rule for result in gate.check(table, ("id",), rules, may_be_empty=True)] == rules


def test_the_file_is_free_when_the_gate_has_closed(tmp_path: Path) -> None:
    file = tmp_path / "checked.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("create table clean as select 'a' as id, 1 as n")
    with Gate(file) as opened:
        opened.check("clean", ("id",), [POSITIVE], may_be_empty=False)
    with duckdb.connect(str(file)) as database:
        database.execute("insert into clean values ('b', 2)")
