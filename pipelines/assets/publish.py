"""The Dagster side of the exit gate and of `pipelines/publish.py`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg

from pipelines import renewal
from pipelines.assets.landing import ACCEPT_SHRINK
from pipelines.assets.warehouse import KEPT, Published, manifest_path, published_tables
from pipelines.database import DATABASE
from pipelines.increments import runs_of_tables
from pipelines.publish import REPORT, list_releases, publish, require_built
from pipelines.quality.gate import Gate
from pipelines.quality.leaks import Limits
from pipelines.quality.published import ATTACKS, audit, tables_read
from pipelines.quality.reporting import NEVER_EMPTY, exit_rules
from pipelines.report.page import preview, render
from pipelines.settings import Company, Settings
from pipelines.store import writer_lock

RELEASE = dg.AssetKey("release")
AUDITED = "rpt_employee_engagement"  # carries the checks of the leak auditor, which reads every table and release
LEAKS_NAMED = 5


def tables_to_publish(settings: Settings) -> list[Published]:
    """The published tables, from the dbt manifest."""
    return published_tables(json.loads(manifest_path(settings).read_text()))


@contextmanager
def own_warehouse(settings: Settings, context: dg.AssetCheckExecutionContext) -> Iterator[Path]:
    """The warehouse file as this run built it, held until the end; PublishError once another run has built it anew."""
    with writer_lock(settings.home, context.log.info):
        require_built(settings.home, context.run.run_id)
        yield settings.home / "warehouse.duckdb"


def _passed_before(table: str, check: str, why: str) -> dg.AssetCheckResult:
    """A check of the exit that need not run: nothing has built what it looks at since it passed."""
    return dg.AssetCheckResult(asset_key=table, check_name=f"exit_{check}", passed=True, description=why, metadata=KEPT)


def exit_checks(settings: Settings, tables: Sequence[Published]) -> dg.AssetChecksDefinition:
    """Gate 2: what a reader would notice, checked on the tables that are about to be published; every check blocks.

    A table that nothing has built since it was published passed the same checks then, and is not checked again.
    """

    @dg.multi_asset_check(
        name="exit_gate",
        specs=[
            dg.AssetCheckSpec(f"exit_{rule.name}", asset=table.name, blocking=True, description=rule.why)
            for table in tables
            for rule in exit_rules(table.name, table.columns)
        ],
    )
    def exit_gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        current = next((release for release in list_releases(settings.home) if release.is_current), None)
        before = current.tables if current and ACCEPT_SHRINK not in context.run.tags else {}
        failed = 0
        with own_warehouse(settings, context) as warehouse, Gate(warehouse) as gate:
            same = current.same_tables(runs_of_tables(settings.home)) if current else ()
            for table in tables:
                rules = exit_rules(table.name, table.columns, before.get(table.name, 0))
                if table.name in same:
                    yield from (_passed_before(table.name, rule.name, rule.why) for rule in rules)
                    continue
                may_be_empty = table.name not in NEVER_EMPTY and not before.get(table.name)
                for result in gate.check(table.name, table.grain, rules, may_be_empty=may_be_empty):
                    failed += not result.passed
                    yield dg.AssetCheckResult(
                        asset_key=table.name,
                        check_name=f"exit_{result.rule.name}",
                        passed=result.passed,
                        description=result.detail,
                        metadata={"checked": result.checked, "failed": result.failed, "failing_keys": ", ".join(result.failing)},
                    )
        context.log.info(f"exit gate: {failed} checks failed" if failed else "exit gate: all checks passed")

    return exit_gate


def leak_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """The leak auditor: what a reader of every kept release could work out about a few employees; every check blocks."""

    @dg.multi_asset_check(
        name="leak_auditor",
        specs=[
            dg.AssetCheckSpec(f"exit_leak_{attack}", asset=AUDITED, blocking=True, description=why)
            for attack, why in ATTACKS.items()
        ],
    )
    def leak_auditor(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        # Releases that go as soon as this one is published give nobody away by comparison.
        kept = [] if renewal.is_due(settings.home) else list_releases(settings.home)
        releases = [release.path / DATABASE for release in kept]
        with own_warehouse(settings, context) as warehouse:
            # What the newest release says of employees was held against all that are kept when it was made.
            if kept and kept[0].is_current and tables_read() <= kept[0].same_tables(runs_of_tables(settings.home)):
                context.log.info("leak auditor: nothing new about employees")
                yield from (_passed_before(AUDITED, f"leak_{attack}", why) for attack, why in ATTACKS.items())
                return
            leaks = audit(warehouse, releases, Limits())
        for attack, found in leaks.items():
            named = [f"{leak.persons} persons by {leak.how}" for leak in found[:LEAKS_NAMED]]
            yield dg.AssetCheckResult(
                asset_key=AUDITED,
                check_name=f"exit_leak_{attack}",
                passed=not found,
                description="; ".join(named) or ATTACKS[attack],
                metadata={"releases": len(releases), "failed": len(found), "failing_keys": "; ".join(named)},
            )
        failed = sum(map(len, leaks.values()))
        context.log.info(f"leak auditor: {failed} leaks" if failed else "leak auditor: nothing follows about a few employees")

    return leak_auditor


def release_asset(settings: Settings, company: Company, tables: Sequence[Published]) -> dg.AssetsDefinition:
    """The release: made only after every blocking check on its tables passed."""

    @dg.asset(
        key=RELEASE,
        deps=[table.name for table in tables],
        group_name="release",
        kinds={"duckdb"},
        owners=["team:data-engineering"],
        description="The published tables as one folder: DuckDB, Parquet, CSV, and the report page. 公開テーブルと報告。",
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with writer_lock(settings.home, context.log.info):
            made = publish(
                settings.home,
                [table.name for table in tables],
                report=partial(render, company=company.name),
                run=context.run_id,
                keep=settings.keep_releases,
                month_columns={table.name: table.month_column for table in tables if table.month_column},
                # Pages of an older file may hold what an erasure or a change of keys took away.
                anew=renewal.is_due(settings.home),
            )
        context.log.info(f"published {len(made.tables)} tables as {made.path}")
        lines = ["| table | rows |", "| --- | ---: |", *(f"| {name} | {rows:,} |" for name, rows in made.tables.items())]
        return dg.MaterializeResult(
            metadata={
                "path": str(made.path),
                "report": dg.MetadataValue.path(str(made.path / REPORT)),
                "findings": dg.MetadataValue.md(preview(made.path / DATABASE)),
                "tables": dg.MetadataValue.md("\n".join(lines)),
            }
        )

    return release
