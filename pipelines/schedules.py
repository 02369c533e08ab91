"""The nightly job and when it runs."""

import dagster as dg
from dagster import ScheduleDefinition
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.assets.landing import daily_partitions
from pipelines.settings import Company


def nightly_job(company: Company) -> UnresolvedAssetJobDefinition:
    """Land one day, build, check, publish. In one process: a process per step would import Dagster and dbt again for each."""
    return dg.define_asset_job(
        "nightly",
        selection=dg.AssetSelection.all(),
        partitions_def=daily_partitions(company),
        executor_def=dg.in_process_executor,
        description="Land one day of every connection, build the warehouse, check it at the exit, publish a release.",
    )


def nightly_schedule(job: UnresolvedAssetJobDefinition) -> ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition:
    """02:00 Asia/Tokyo, for the day before."""
    return dg.build_schedule_from_partitioned_job(
        job, name="nightly_0200", hour_of_day=2, default_status=dg.DefaultScheduleStatus.STOPPED
    )
