"""Runs checks. The only file that imports Great Expectations (4 to 8 seconds), and only when a gate opens.

A gate cannot pass by accident: a suite that ran fewer expectations than declared, one that raised, and a table that is missing
or may not be empty all fail with their own reason.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLE = 5
_EXISTS = """
    from (select table_name from duckdb_tables() union all select view_name from duckdb_views())
    select count(*) where table_name = ?
"""


@dataclass(frozen=True)
class Rule:
    """One expectation as data: its class in great_expectations.expectations and, as `why`, the sentence shown on failure."""

    name: str
    expectation: str
    kwargs: dict[str, Any]
    why: str
    columns: tuple[str, ...] = ()  # shown with a failing row


@dataclass
class RuleResult:
    """What one rule said of one table. `failing` holds up to five keys; `query` selects every failing key."""

    rule: Rule
    passed: bool
    checked: int
    failed: int = 0
    failing: list[str] = field(default_factory=list)
    query: str | None = None
    detail: str = ""


def _register_dialect() -> None:
    from sqlalchemy.dialects import registry

    registry.register("duckdb_gate", "pipelines.quality.duckdb_dialect", "Dialect")


class Gate:
    """Checks tables of one DuckDB file, read-only. Use as a context manager: the file is released at the end."""

    def __init__(self, database: Path, memory: str = "1GB") -> None:
        self.database = database
        self.memory = memory

    def __enter__(self) -> Gate:
        import great_expectations as gx

        gc.freeze()  # all that is there stays, and need not be looked through at the end
        _register_dialect()
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
        self._source = self._context.data_sources.add_sql(
            name="gate",
            connection_string=f"duckdb_gate:///{self.database}",
            kwargs={"connect_args": {"read_only": True, "config": {"memory_limit": self.memory}}},  # type: ignore[call-arg]  # missing in GX's stub
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._source.get_execution_engine().close()
        self._source.get_engine().dispose()
        # GX keeps cursors in reference cycles, and DuckDB keeps the file open as long as one of them lives.
        gc.collect()
        gc.unfreeze()

    def check(self, table: str, key: Sequence[str], rules: Sequence[Rule], *, may_be_empty: bool) -> list[RuleResult]:
        """Run `rules` on `table`; the columns of `key` name a failing row. One result per rule, in their order."""
        rows = self._rows(table)
        if rows is None or (rows == 0 and not may_be_empty):
            reason = f"{table} does not exist" if rows is None else f"{table} is empty"
            return [RuleResult(rule, False, 0, detail=reason) for rule in rules]
        if rows == 0:
            return [RuleResult(rule, True, 0, detail="no rows") for rule in rules]
        asset = self._source.add_table_asset(name=table, table_name=table)
        batch = asset.get_batch(asset.build_batch_request())
        # Whether a rule holds is one number of many in one query. Which rows break it takes three more queries a rule.
        told = _validate(batch, rules, {"result_format": "BOOLEAN_ONLY"})
        broken = [rule for rule in rules if rule.name not in told or not told[rule.name].success]
        told |= _validate(batch, broken, {"result_format": "COMPLETE", "unexpected_index_column_names": list(key)})
        return [self._result(rule, told.get(rule.name), key, rows) for rule in rules]

    def _rows(self, table: str) -> int | None:
        # Through the gate's own engine: DuckDB refuses a second connection with other settings on the same file.
        with self._source.get_engine().connect() as connection:
            exists = connection.exec_driver_sql(_EXISTS, (table,)).scalar()
            return int(connection.exec_driver_sql(f'select count(*) from "{table}"').scalar() or 0) if exists else None

    def _result(self, rule: Rule, result: Any, key: Sequence[str], rows: int) -> RuleResult:
        if result is None:
            return RuleResult(rule, False, 0, detail="the expectation did not run")
        raised = [info for info in _exceptions(result.exception_info) if info]
        if raised:
            return RuleResult(rule, False, 0, detail=f"the expectation raised: {raised[0]}")
        values = result.result
        failing = [" ".join(str(item[name]) for name in key) for item in values.get("partial_unexpected_index_list", [])][:SAMPLE]
        detail = (
            rule.why
            if result.success
            else f"{rule.why}; observed {values['observed_value']}"
            if "observed_value" in values
            else rule.why
        )
        return RuleResult(
            rule,
            bool(result.success),
            checked=int(values.get("element_count", rows)),
            failed=int(values.get("unexpected_count", 0 if result.success else 1)),
            failing=failing,
            query=values.get("unexpected_index_query", "").rstrip(";\n ") or None,
            detail=detail,
        )


def _validate(batch: Any, rules: Sequence[Rule], result_format: dict[str, Any]) -> dict[str, Any]:
    """GX's results of the rules by their names; a rule that did not run has none."""
    if not rules:
        return {}
    import great_expectations as gx
    import great_expectations.expectations as expectations

    suite = gx.ExpectationSuite(
        name="rules",
        expectations=[getattr(expectations, rule.expectation)(**rule.kwargs, meta={"rule": rule.name}) for rule in rules],
    )
    results = batch.validate(suite, result_format=result_format).results
    return {result.expectation_config.meta["rule"]: result for result in results if result.expectation_config}


def _exceptions(info: dict[str, Any]) -> list[str]:
    """GX gives either one flat record or one per metric."""
    records = [info] if "raised_exception" in info else list(info.values())
    return [str(record.get("exception_message") or "unknown error") for record in records if record.get("raised_exception")]
