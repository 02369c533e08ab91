"""The Dagster side of `pipelines/landing.py`: one step lands every table of every source for the days of the run.

Asset keys are `[source, table]`, partitions are days in Asia/Tokyo. Connections are pulled in threads inside one step: a step
of its own per table would pay several seconds of imports each.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from pipelines.landing import Landing, TableLanding, land
from pipelines.quality.gate import RuleResult
from pipelines.quality.landing import batch_rules, door_rules
from pipelines.settings import Company, Settings
from pipelines.sources.connection import Window
from pipelines.sources.contract import TABLES
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch
from pipelines.sources.schema import Table

# Tag of a run: land days although they would lose more than half of their rows.
ACCEPT_SHRINK = "engagement/accept_shrink"


def daily_partitions(company: Company) -> dg.DailyPartitionsDefinition:
    """One partition per day since the company's first day."""
    return dg.DailyPartitionsDefinition(start_date=company.first_day.isoformat(), timezone=company.time_zone)


def landing_assets(settings: Settings, company: Company) -> dg.AssetsDefinition:
    """The step that lands; selecting some of its assets lands the connections of their sources only."""
    partitions = daily_partitions(company)

    @dg.multi_asset(
        name="landing",
        specs=[_spec(table, partitions) for table in TABLES],
        check_specs=[spec for table in TABLES for spec in check_specs(table)],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def landing(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        days = context.partition_key_range
        window = Window(date.fromisoformat(days.start), date.fromisoformat(days.end))
        selected = [table for table in TABLES if dg.AssetKey([table.source, table.name]) in context.selected_asset_keys]
        landed = run_landing(context, settings, window, {table.source for table in selected}, context.has_tag(ACCEPT_SHRINK))
        for table in selected:
            yield dg.MaterializeResult(
                asset_key=[table.source, table.name],
                metadata=metadata(_of(landed, table), landed.work),
                check_results=check_results(table, landed),
            )

    return landing


def backfill_job(settings: Settings, company: Company) -> dg.JobDefinition:
    """Lands a range of days in one run.

    Launching the range on the assets works, too, but Dagster then writes two events for each day and table, empty or not: five
    minutes for two years. This job reports only the days that hold rows.
    """

    @dg.op(config_schema={"start": str, "end": str, "accept_shrink": dg.Field(bool, default_value=False)})
    def land_range(context: dg.OpExecutionContext) -> Iterator[Any]:
        config = context.op_config
        window = Window(date.fromisoformat(config["start"]), date.fromisoformat(config["end"]))
        landed = run_landing(context, settings, window, {table.source for table in TABLES}, config["accept_shrink"])
        for table in TABLES:
            # Days before the first partition have landed as late ones; the UI has no place for them.
            for day in sorted({day for row in _of(landed, table) for day in row.replaced_days if day >= company.first_day}):
                yield dg.AssetMaterialization([table.source, table.name], partition=day.isoformat())
            for result in check_results(table, landed):
                yield dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey([table.source, table.name]),
                    check_name=str(result.check_name),
                    passed=result.passed,
                    severity=result.severity,
                    metadata=dict(result.metadata),
                    description=result.description,
                )
        if landed.refused:
            raise dg.Failure("; ".join(f"{name} was refused: {why}" for name, why in landed.refused.items()), allow_retries=False)
        yield dg.Output(None)

    @dg.job(
        name="backfill",
        executor_def=dg.in_process_executor,
        description="Land a range of days in one run; the nightly job then builds and publishes.",
    )
    def job() -> None:
        land_range()

    return job


def run_landing(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    settings: Settings,
    window: Window,
    sources: set[str],
    accept_shrink: bool,
) -> Landing:
    """Call the pure landing with what the run knows."""
    chosen = [connection for connection in settings.config().connections.values() if connection.source in sources]
    context.log.info(f"landing {window.start} to {window.end}: {len(chosen)} connections")
    landed = land(
        chosen,
        window,
        settings.home,
        Pseudonymiser(settings.keys()),
        Batch(context.run_id, datetime.now(UTC)),
        threads=settings.pull_threads,
        accept_shrink=accept_shrink,
        log=context.log.info,
        secrets=settings.secrets(),
        lake=settings.lake,
    )
    rows, held = sum(row.landed for row in landed.tables), sum(row.quarantined for row in landed.tables)
    context.log.info(f"landed {rows:,} rows, {held:,} held back, {len(landed.refused)} connections refused")
    return landed


def check_specs(table: Table) -> list[dg.AssetCheckSpec]:
    """One blocking Dagster check per rule of the door."""
    key = dg.AssetKey([table.source, table.name])
    return [dg.AssetCheckSpec(rule.name, asset=key, blocking=True, description=rule.why) for rule in door_rules(table)]


def check_results(table: Table, landed: Landing) -> list[dg.AssetCheckResult]:
    """The door's results for `table`; a table no connection yields passes with nothing checked."""
    results = {result.rule.name: result for result in landed.checks.get(table.id, [])}
    batch = {rule.name for rule in batch_rules(table)}
    made = []
    for rule in door_rules(table):
        result = results.get(rule.name) or RuleResult(rule, True, 0, detail="no connection yields this table")
        made.append(
            dg.AssetCheckResult(
                asset_key=[table.source, table.name],
                check_name=rule.name,
                passed=result.passed,
                # A row rule never blocks: the rows it names are already held back in the quarantine.
                severity=dg.AssetCheckSeverity.ERROR if rule.name in batch or not result.query else dg.AssetCheckSeverity.WARN,
                description=_description(result, landed) if rule.name in batch else result.detail,
                metadata={"checked": result.checked, "failed": result.failed, "failing_keys": ", ".join(result.failing)},
            )
        )
    return made


def _description(result: RuleResult, landed: Landing) -> str:
    names = {key.split(":")[0] for key in result.failing}
    return (
        result.detail
        if result.passed
        else "; ".join(f"{name}: {landed.refused[name]}" for name in sorted(names & set(landed.refused)))
    )


def metadata(rows: list[TableLanding], work: dict[str, str]) -> dict[str, dg.MetadataValue | int | str]:
    """Counts shown on the asset."""
    days = sorted({day for row in rows for day in row.replaced_days})
    return {
        "dagster/partition_row_count": sum(row.landed for row in rows),
        "quarantined": sum(row.quarantined for row in rows),
        "duplicates": sum(row.duplicates for row in rows),
        "replaced_days": len(days),
        "connections": "; ".join(
            f"{row.connection}: {row.landed:,} rows landed, {work.get(row.connection, '')}"
            for row in sorted(rows, key=lambda row: row.connection)
        )
        or "none",
    }


def _of(landed: Landing, table: Table) -> list[TableLanding]:
    return [row for row in landed.tables if (row.source, row.table) == (table.source, table.name)]


def _spec(table: Table, partitions: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        [table.source, table.name],
        group_name=table.source,
        description=f"{table.en}. {table.ja}。",
        partitions_def=partitions,
        kinds={"parquet"},
        owners=["team:data-engineering"],
        metadata={"natural_key": ", ".join(table.key)},
    )
