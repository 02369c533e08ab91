"""Days, ranges and two runs at once, as Dagster sees them."""

import subprocess
from datetime import date

import dagster as dg
import pytest

from pipelines.definitions import defs
from pipelines.sources.contract import TABLES
from tests.e2e.conftest import Company

RANGE = {"dagster/asset_partition_range_start": "2026-07-20", "dagster/asset_partition_range_end": "2026-07-22"}


def test_a_range_launched_on_the_assets_is_one_run_and_marks_each_day(
    small_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGEMENT_HOME", str(small_company.home))
    monkeypatch.setenv("ENGAGEMENT_CONNECTIONS", str(small_company.connections))
    keys = [dg.AssetKey([table.source, table.name]) for table in TABLES]
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs().resolve_job_def("nightly").execute_in_process(instance=instance, tags=RANGE, asset_selection=keys)
        assert result.success
        assert len(instance.get_runs()) == 1
        for key in keys:
            assert instance.get_materialized_partitions(key) == {"2026-07-20", "2026-07-21", "2026-07-22"}


def test_the_backfill_run_marks_the_days_that_hold_rows(small_company: Company) -> None:
    with dg.DagsterInstance.from_config(str(small_company.home / "dagster")) as instance:
        assert len(instance.get_runs(dg.RunsFilter(job_name="backfill"))) == 1
        days = instance.get_materialized_partitions(dg.AssetKey(["sns", "accounts"]))
    assert {min(days), max(days)} == {"2026-04-01", "2026-07-29"}
    assert len(days) == (date(2026, 7, 29) - date(2026, 4, 1)).days + 1


def test_two_nights_at_once_wait_for_each_other_and_publish_whole_releases(small_company: Company) -> None:
    rows = small_company.published_rows()
    nights = [small_company.start("run", "--date", "2026-07-29") for _ in range(2)]
    outputs = [night.communicate()[0] for night in nights]
    # One of them may find that the other has rebuilt the warehouse since; it then publishes nothing and says so.
    assert 0 in {night.returncode for night in nights}, outputs
    for night, output in zip(nights, outputs, strict=True):
        assert night.returncode == 0 or "another run has rebuilt the warehouse" in output
    assert small_company.published_rows() == rows


def test_a_night_killed_at_any_moment_leaves_the_release_and_the_next_night_is_whole(small_company: Company) -> None:
    rows, before = small_company.published_rows(), small_company.bytes_of("releases")
    for seconds in (12, 25):
        night = small_company.start("run", "--date", "2026-07-29")
        with pytest.raises(subprocess.TimeoutExpired):
            night.communicate(timeout=seconds)
        night.kill()
        night.communicate()
        assert {name: hash_ for name, hash_ in small_company.bytes_of("releases").items() if name in before} == before
    done = small_company.run("run", "--date", "2026-07-29")
    assert done.returncode == 0, done.stdout
    assert small_company.published_rows() == rows
