"""The run history with its connections kept open says what Dagster's own would say, in the same files."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.event_log import KeptOpenEventLogStorage

RUN_AND_WAIT = """
import sys
from pathlib import Path
from test_event_log import job_of_three, kept_open
job_of_three().execute_in_process(instance=kept_open(Path(sys.argv[1])))
print("done", flush=True)
sys.stdin.readline()
"""


def kept_open(home: Path) -> dg.DagsterInstance:
    config = f"{{module: pipelines.event_log, class: KeptOpenEventLogStorage, config: {{base_dir: {home / 'runs'}}}}}"
    (home / "dagster.yaml").write_text(f"event_log_storage: {config}\ntelemetry: {{enabled: false}}\n")
    return dg.DagsterInstance.from_config(str(home))


def job_of_three() -> dg.JobDefinition:
    @dg.asset(check_specs=[dg.AssetCheckSpec("is_one", asset="first")])
    def first() -> Iterator[dg.MaterializeResult[None]]:
        yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="is_one")])

    @dg.asset(deps=[first])
    def second() -> None: ...

    @dg.asset(deps=[second])
    def third() -> None: ...

    definitions = dg.Definitions(assets=[first, second, third], jobs=[dg.define_asset_job("three")])
    return definitions.resolve_job_def("three")


@pytest.fixture(scope="module")
def job() -> dg.JobDefinition:
    return job_of_three()


def told(log: SqliteEventLogStorage, run: str) -> list[tuple[str, str]]:
    """Kind and text of each event of a run."""
    entries = log.get_logs_for_run(run)
    return [(entry.dagster_event_type.value if entry.dagster_event_type else "", entry.user_message) for entry in entries]


def test_dagsters_own_log_reads_every_event_that_was_written(tmp_path: Path, job: dg.JobDefinition) -> None:
    with kept_open(tmp_path) as instance:
        result = job.execute_in_process(instance=instance)
        written = [(event.event_type_value, event.message or "") for event in result.all_events]
        own = SqliteEventLogStorage(str(tmp_path / "runs"))
        assert isinstance(instance.event_log_storage, KeptOpenEventLogStorage)
        read = told(own, result.run_id)
        assert [kind for kind, _ in written] == [kind for kind, _ in read if kind in {kind for kind, _ in written}]
        assert read == told(instance.event_log_storage, result.run_id)
        made = own.get_latest_materialization_events([dg.AssetKey("third")])[dg.AssetKey("third")]
        assert made is not None
        assert made.run_id == result.run_id
        checks = own.get_asset_check_execution_history(dg.AssetCheckKey(dg.AssetKey("first"), "is_one"), limit=1)
        assert [check.run_id for check in checks] == [result.run_id]


def test_events_of_a_process_that_was_killed_are_kept(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_AND_WAIT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    own = SqliteEventLogStorage(str(tmp_path / "runs"))
    (run,) = own.get_all_run_ids()
    assert told(own, run)[-1][0] == "PIPELINE_SUCCESS"


def test_threads_share_the_log(tmp_path: Path, job: dg.JobDefinition) -> None:
    with kept_open(tmp_path) as instance, ThreadPoolExecutor(4) as threads:
        runs = [job.execute_in_process(instance=instance).run_id for _ in range(2)]
        log = instance.event_log_storage
        message = log.get_logs_for_run(runs[0])[0]
        list(threads.map(lambda number: log.store_event(message._replace(run_id=runs[number % 2])), range(40)))
        counts = [len(log.get_logs_for_run(run)) for run in runs]
        own = SqliteEventLogStorage(str(tmp_path / "runs"))
        assert counts == [len(own.get_logs_for_run(run)) for run in runs]
        assert isinstance(log, KeptOpenEventLogStorage)
        assert len(log._open) == 2


def test_a_table_is_looked_for_until_it_is_there_and_never_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    has_table = SqliteEventLogStorage.has_table

    def counted(self: SqliteEventLogStorage, name: str) -> bool:
        asked.append(name)
        return has_table(self, name)

    monkeypatch.setattr(SqliteEventLogStorage, "has_table", counted)
    with kept_open(tmp_path) as instance:
        log = instance.event_log_storage
        assert isinstance(log, KeptOpenEventLogStorage)
        assert [log.has_table(name) for name in ("absent", "absent", "event_logs", "event_logs")] == [False, False, True, True]
    assert asked.count("absent") == 2
    assert asked.count("event_logs") == 1
