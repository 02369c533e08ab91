"""Runs the jobs from the command line, in this process, on the same Dagster instance that the UI shows."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import yaml
from dagster._core.execution.plan.objects import StepFailureData

from pipelines.assets.landing import ACCEPT_SHRINK
from pipelines.settings import Config, Settings
from pipelines.sources.contract import TABLES, table
from pipelines.sources.places import matching
from pipelines.store import NO_MONTH, Store, private


@dataclass
class Outcome:
    """One finished run: its checks and, where it failed, the reasons in one line each."""

    job: str
    run_id: str
    success: bool
    passed: int = 0
    warned: list[str] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)  # what is wrong -> the checks that say so
    reasons: list[str] = field(default_factory=list)


@dataclass
class SourceRows:
    """Rows of one source in the landing zone."""

    source: str
    connections: int
    rows: int
    quarantined: int


def dagster_home(settings: Settings) -> Path:
    """The Dagster instance's folder, made when absent; DAGSTER_HOME points there from now on."""
    home = private(settings.home / "dagster")
    instance = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no sign-up window in the UI
        # A lost host would leave its run STARTED and its slot taken for ever.
        "run_monitoring": {"enabled": True, "max_runtime_seconds": 6 * 3600},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},
        "event_log_storage": {
            "module": "pipelines.event_log",
            "class": "KeptOpenEventLogStorage",
            "config": {"base_dir": str(home / "history" / "runs")},
        },
    }
    file, content = home / "dagster.yaml", f"# Written by engagement; changes are overwritten.\n{yaml.safe_dump(instance)}"
    if not file.exists() or file.read_text() != content:
        file.write_text(content)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def run_backfill(definitions: dg.Definitions, log: Path, start: date, end: date, accept_shrink: bool = False) -> Outcome:
    """Land the days from `start` to `end` in one run."""
    config: dict[str, object] = {
        "ops": {"land_range": {"config": {"start": start.isoformat(), "end": end.isoformat(), "accept_shrink": accept_shrink}}}
    }
    return _run(definitions.resolve_job_def("backfill"), log, config)


def run_nightly(definitions: dg.Definitions, log: Path, day: date, accept_shrink: bool = False) -> Outcome:
    """Run the nightly job for one day."""
    tags = {ACCEPT_SHRINK: "true"} if accept_shrink else {}
    return _run(definitions.resolve_job_def("nightly"), log, {}, partition_key=day.isoformat(), tags=tags)


def run_rebuild(definitions: dg.Definitions, log: Path) -> Outcome:
    """Build and publish what has landed already."""
    return _run(definitions.resolve_job_def("rebuild"), log, {})


def _run(
    job: dg.JobDefinition,
    log: Path,
    config: dict[str, object],
    partition_key: str | None = None,
    tags: dict[str, str] | None = None,
) -> Outcome:
    # What the tools print (dbt, a line per model and test) goes to `log`; a person sees the steps' own lines and the summary.
    with log.open("w", encoding="utf-8") as output, redirect_stdout(output):
        result = job.execute_in_process(
            run_config={**config, "loggers": {"progress": {}}},
            instance=dg.DagsterInstance.get(),
            partition_key=partition_key,
            tags=tags,
            raise_on_error=False,
        )
    outcome = Outcome(job.name, result.run_id, result.success)
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            name = f"{evaluation.asset_key.to_user_string()} {evaluation.check_name}"
            if evaluation.passed:
                outcome.passed += 1
            elif evaluation.severity == dg.AssetCheckSeverity.WARN:
                outcome.warned.append(name)
            else:
                outcome.failed.setdefault(evaluation.description or name, []).append(name)
        if event.is_step_failure:
            outcome.reasons.append(_reason(event.step_failure_data))
    return outcome


def _reason(data: StepFailureData) -> str:
    """What a step failed of, in one line: what it says itself, else its error's own first line."""
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error.cause or data.error if data.error else None
    return error.message.strip().splitlines()[0] if error else "no reason given"


def yesterday(config: Config) -> date:
    """The day a nightly run is for."""
    return datetime.now(ZoneInfo(config.company.time_zone)).date() - timedelta(days=1)


def last_landed_day(settings: Settings, config: Config) -> date | None:
    """The newest day of any connection in the landing zone that holds rows."""
    store = Store(settings.home, settings.lake)
    days = [
        day
        for connection in config.connections.values()
        for name in connection.tables
        for day, entry in store.days(table(connection.source, name), connection.name).items()
        if entry.rows
    ]
    return max(days, default=None)


def orphans(settings: Settings, config: Config) -> list[str]:
    """Connections that have landed rows and are no longer configured: their rows are still published."""
    files = matching(Store(settings.home, settings.lake).landing, "*/*/month=*/*.parquet")
    names = {path.stem for path in files if path.parent.name != f"month={NO_MONTH}"} - set(config.connections)
    advice = "is not in connections.yaml but its rows are still published; if it was renamed or removed, delete its files below"
    return [f"{name} {advice} {settings.lake or settings.home}" for name in sorted(names)]


def landed_rows(settings: Settings, config: Config) -> list[SourceRows]:
    """What lies in the landing zone, by source."""
    store = Store(settings.home, settings.lake)
    totals = {name: SourceRows(name, 0, 0, 0) for name in dict.fromkeys(t.source for t in TABLES)}
    for connection in config.connections.values():
        total = totals[connection.source]
        total.connections += 1
        for name in connection.tables:
            for entry in store.days(table(connection.source, name), connection.name).values():
                total.rows += entry.rows
                total.quarantined += entry.quarantined
    return list(totals.values())
