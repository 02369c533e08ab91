"""What Dagster loads: a table of contents."""

import dagster as dg

from pipelines.assets.landing import backfill_job, landing_assets
from pipelines.assets.publish import exit_checks, leak_checks, release_asset, tables_to_publish
from pipelines.assets.warehouse import warehouse_assets
from pipelines.progress import progress_logger
from pipelines.schedules import nightly_job, nightly_schedule, rebuild_job
from pipelines.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """Everything, built when Dagster asks for it: importing this module reads nothing."""
    settings = load_settings()
    company = settings.config().company
    tables = tables_to_publish(settings)
    nightly = nightly_job(company)
    return dg.Definitions(
        assets=[landing_assets(settings, company), warehouse_assets(settings, company), release_asset(settings, company, tables)],
        asset_checks=[exit_checks(settings, tables), leak_checks(settings)],
        jobs=[nightly, backfill_job(settings, company), rebuild_job()],
        schedules=[nightly_schedule(nightly)],
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )
