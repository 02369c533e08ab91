"""The nightly job and when it runs."""

import dagster as dg
from dagster import ScheduleDefinition
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.assets.landing import ACCEPT_SHRINK, daily_partitions
from pipelines.settings import Company
from pipelines.sources.contract import TABLES


def nightly_job(company: Company) -> UnresolvedAssetJobDefinition:
    """Land one day, build, check, publish. In one process: a process per step would import Dagster and dbt again for each."""
    return dg.define_asset_job(
        "nightly",
        selection=dg.AssetSelection.all(),
        partitions_def=daily_partitions(company),
        executor_def=dg.in_process_executor,
        description="Land one day of every connection, build the warehouse, check it at the exit, publish a release.",
    )


def rebuild_job() -> UnresolvedAssetJobDefinition:
    """Build, check, publish what has landed already."""
    return dg.define_asset_job(
        "rebuild",
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*([table.source, table.name] for table in TABLES)),
        executor_def=dg.in_process_executor,
        # Rows that were erased are rightly gone.
        tags={ACCEPT_SHRINK: "true"},
        description="Build the warehouse from what has landed, check it at the exit, publish a release; nothing is pulled.",
    )


def nightly_schedule(job: UnresolvedAssetJobDefinition) -> ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition:
    """02:00 Asia/Tokyo, for the day before."""
    return dg.build_schedule_from_partitioned_job(
        job, name="nightly_0200", hour_of_day=2, default_status=dg.DefaultScheduleStatus.STOPPED
    )
