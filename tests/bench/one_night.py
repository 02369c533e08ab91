"""The `engagement` command with a stopwatch on the steps of its run and on the gate.

    python -m tests.bench.one_night <file for the seconds> run --date 2026-10-01

The file holds as JSON: `steps`, the seconds of every step Dagster ran; `gate`, those that the gate at the door took of the
landing step, its imports included; `rewriting`, those in which landed month files were replaced; `models`, those of every node
of the dbt build.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import cli
from pipelines.quality.gate import Gate
from pipelines.settings import load_settings
from pipelines.store import Store

STEPS: dict[str, float] = {}
IN_GATE = {"door": 0.0, "exit": 0.0}
REWRITING = [0.0]


def timed(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of Gate that adds what it takes to IN_GATE."""

    @wraps(method)
    def wrapped(gate: Gate, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(gate, *args, **kwargs)
        finally:
            IN_GATE["exit" if gate.database.name == "warehouse.duckdb" else "door"] += time.perf_counter() - began

    return wrapped


def rewriting(replace: Callable[..., None]) -> Callable[..., None]:
    """`Store.replace` that adds what it takes to REWRITING."""

    @wraps(replace)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        began = time.perf_counter()
        replace(*args, **kwargs)
        REWRITING[0] += time.perf_counter() - began

    return wrapped


def noted(execute: Callable[..., Any]) -> Callable[..., Any]:
    """A job's `execute_in_process` that notes the seconds of its steps."""

    @wraps(execute)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = execute(*args, **kwargs)
        for event in result.all_events:
            if event.event_type == dg.DagsterEventType.STEP_SUCCESS:
                STEPS[event.step_key] = STEPS.get(event.step_key, 0) + event.step_success_data.duration_ms / 1000
        return result

    return wrapped


def main(target: Path, arguments: list[str]) -> int:
    """Call the command; its exit code."""
    for name in ("__enter__", "check", "__exit__"):
        setattr(Gate, name, timed(getattr(Gate, name)))
    Store.replace = rewriting(Store.replace)  # type: ignore[method-assign]
    dg.JobDefinition.execute_in_process = noted(dg.JobDefinition.execute_in_process)  # type: ignore[method-assign]
    began = time.time()
    code = cli.app(arguments, standalone_mode=False) or 0
    built = load_settings().home / "dbt" / "run_results.json"
    is_new = built.exists() and built.stat().st_mtime >= began
    results = json.loads(built.read_text())["results"] if is_new else []
    models = {result["unique_id"]: result["execution_time"] for result in results}
    target.write_text(json.dumps({"steps": STEPS, "gate": IN_GATE["door"], "rewriting": REWRITING[0], "models": models}))
    return int(code)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
