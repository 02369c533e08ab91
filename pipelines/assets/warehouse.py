"""dbt as Dagster assets: one `dbt build` turns the landing zone into the warehouse, tests inside."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from graphlib import TopologicalSorter
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from sysconfig import get_path
from typing import Any, NamedTuple

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from filelock import FileLock
from packaging.version import Version
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from pipelines import increments, renewal
from pipelines.increments import WAREHOUSE
from pipelines.preview import previews
from pipelines.settings import PROJECT, Company, Settings
from pipelines.store import Store, private, writer_lock

DBT_PROJECT = PROJECT / "dbt_project"
PATIENCE = 600.0  # seconds to wait for a dbt that outlived its night
KEPT = {"kept": "as in the last build: nothing that it is made of has changed since"}
# Many small nodes are built on top of the last build, more than there are cores: some wait for Python's lock or the disk. From
# nothing they are large, two fill the memory of dbt's profile, and more of them would work on the disk.
KEPT_THREADS = "4"
DBT = Path(sys.executable).with_name("engagement-dbt")  # the environment's own, whatever PATH says


class Dbt(DbtCliResource):
    """The dbt command without what costs seconds a night: its version is that of the installed package, none asks it."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """None: it would load all of dbt into this process, too, for counts of rows that nothing here asks for."""
        return None


class Translator(DagsterDbtTranslator):
    """Groups models by their folder; keys stay dagster-dbt's own, `[source, table]` and `[model]`."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """`staging`, `intermediate`, `seeds`, or the folder below `marts`."""
        parts = dbt_resource_props["fqn"][1:-1]
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        return parts[1] if parts[:1] == ["marts"] and len(parts) > 1 else parts[0] if parts else None

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Every model belongs to one team."""
        return ["team:data-engineering"]


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What the dbt project reads from its environment."""
    return {
        "ENGAGEMENT_HOME": str(settings.home),
        "ENGAGEMENT_LAKE": str(settings.lake or settings.home),
        "DBT_TARGET_PATH": str(settings.home / "dbt"),
        "DBT_LOG_PATH": str(settings.home / "dbt"),
        # Below this dbt writes 5 MB of SQL and bookkeeping a night, a tenth of its time; the SQL lies in dbt/run as well.
        "DBT_LOG_LEVEL_FILE": "info",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_args(company: Company, *, is_kept: bool = False, roots: Sequence[str] = ()) -> list[str]:
    """The one dbt call of a night: it builds from nothing, or in a warehouse that is kept what changed.

    `roots` are the unique ids from which everything follows that is built and tested; all of the project when there are none.
    """
    # Unit tests prove the SQL, not the night's data: `make test` runs them.
    args = ["build", "--exclude-resource-type", "unit_test", *_vars(company.fiscal_year_start_month)]
    if roots:
        args += ["--select", " ".join(f"{_selector(root)}+" for root in roots)]
    return [*args, "--threads", KEPT_THREADS] if is_kept else [*args, "--full-refresh"]


def _selector(unique_id: str) -> str:
    kind, _, name = unique_id.split(".", 2)
    return f"source:{name}" if kind == "source" else name


def _vars(fiscal_year_start_month: int) -> list[str]:
    return ["--vars", json.dumps({"fiscal_year_start_month": fiscal_year_start_month})]


def manifest_path(settings: Settings) -> Path:
    """The manifest, parsed anew when a file of the dbt project changed; one process at a time does it."""
    target = private(settings.home / "dbt")
    manifest, stamp, state = target / "manifest.json", target / "manifest.sha256", _state()
    with FileLock(target / "manifest.lock"):
        if not manifest.exists() or not stamp.exists() or stamp.read_text() != state:
            command = [str(DBT), "--quiet", "parse", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
            # With other variables than these, the build that follows would parse everything once more.
            command += _vars(Company.model_fields["fiscal_year_start_month"].default)
            parsed = subprocess.run(
                command, env={**os.environ, **dbt_environment(settings)}, cwd=DBT_PROJECT, capture_output=True, text=True
            )
            if parsed.returncode:
                raise RuntimeError(f"the dbt project cannot be parsed:\n{parsed.stdout}{parsed.stderr}")
            stamp.write_text(state)
    return manifest


def _state() -> str:
    return _digest(DBT_PROJECT, {".sql", ".py", ".yml", ".csv"})


def _code_state() -> str:
    """What models in Python are made by beside their own file: this package, and all that is installed, by name and version."""
    installed = sorted(folder.name for folder in Path(get_path("purelib")).glob("*.dist-info"))
    return _digest(PROJECT / "pipelines", {".py"}, " ".join([sys.version, *installed]))


def _digest(folder: Path, suffixes: set[str], more: str = "") -> str:
    digest = hashlib.sha256(more.encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in suffixes:
            digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()


class Published(NamedTuple):
    """A published table: its columns, those that name one row (its grain), and the one whose month its files are cut by."""

    name: str
    columns: tuple[str, ...]
    grain: tuple[str, ...]
    month_column: str | None


def published_tables(manifest: Mapping[str, Any]) -> list[Published]:
    """The models whose yml says `meta: {published: true}`, some with a `month_column`.

    The grain is what their `unique_grain` or `unique` test names.
    """
    grains: dict[str, tuple[str, ...]] = {}
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "unique_grain":
            grains[node["attached_node"]] = tuple(test["kwargs"]["columns"])
        elif test.get("name") == "unique":
            grains.setdefault(node["attached_node"], (node["column_name"],))
    return sorted(
        Published(node["name"], tuple(node["columns"]), grains[unique_id], node["config"]["meta"].get("month_column"))
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"].get("meta", {}).get("published")
    )


def warehouse_assets(settings: Settings, company: Company) -> dg.AssetsDefinition:
    """All models, seeds and tests of the dbt project as one step."""

    @dbt_assets(manifest=manifest_path(settings), name="warehouse", dagster_dbt_translator=Translator())
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[Any]:
        store = Store(settings.home, settings.lake)
        store.prepare()
        project = f"{_state()} {_code_state()} {company.fiscal_year_start_month}"
        os.environ.update(dbt_environment(settings))
        dbt = Dbt(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=str(DBT))
        with writer_lock(settings.home, context.log.info):
            wait_until_free(settings.home / WAREHOUSE, context.log.info)
            # The mark that goes says that the warehouse is whole: the exit gate and publish read nothing without it.
            built = increments.begin(settings.home, store, project, is_renewed=renewal.is_due(settings.home))
            is_kept = built is not None
            # Some models alone, chosen in the UI, are built whatever changed, and leave the others behind: no mark.
            is_whole = context.selected_asset_keys >= warehouse.keys
            roots = increments.changed(settings.home) if is_kept and is_whole else []
            manifest = json.loads(manifest_path(settings).read_text())
            shown = {table.name: table.grain for table in published_tables(manifest)}
            anew = increments.following(manifest, roots or manifest["nodes"])
            left: list[Any] = []
            if roots:
                kept = _kept_tables(manifest, anew, warehouse)
                context.log.info(
                    f"dbt build, on top of the last one: of {len(kept)} of {len(warehouse.keys)} tables nothing changed"
                )
                left = [*with_previews(kept, shown, settings.home / WAREHOUSE), *_kept_checks(manifest, anew, warehouse)]
            else:
                context.log.info(
                    f"dbt build, {'of what is selected' if is_kept else 'from nothing'}: staging, facts, reports, tests"
                )
            args = dbt_args(company, is_kept=is_kept, roots=roots)
            events = _started(dbt, args, context, manifest, settings.home / "dbt")
            yield from left  # Dagster takes down some hundred of them while dbt starts
            # While dbt holds the file no preview can be read: the first published table waits for its end; so do all that follow,
            # since outputs must come in the order of their dependencies.
            held: dict[str, dg.Output[Any]] = {}
            try:
                for event in events:
                    if isinstance(event, dg.Output):
                        table = context.asset_key_for_output(event.output_name).path[-1]
                        if held or table in shown:
                            held[table] = event
                            continue
                    yield event
            except DagsterDbtCliRuntimeError:
                yield from held.values()
                raise dg.Failure("dbt build failed: " + "; ".join(failures(settings)), allow_retries=False) from None
            yield from with_previews(held, shown, settings.home / WAREHOUSE)
            (settings.home / WAREHOUSE).chmod(0o600)
            if is_whole:
                of_this_run = {table: context.run_id for table in shown if f"model.engagement.{table}" in anew}
                increments.end(settings.home, context.run_id, project, {**(built or {}), **of_this_run})

    return warehouse


def _started(
    dbt: Dbt, args: Sequence[str], context: dg.AssetExecutionContext, manifest: Mapping[str, Any], target: Path
) -> Iterator[Any]:
    """Start dbt; its tables and tests as Dagster's events. Of args that select nothing themselves, what the context selects."""
    if "--select" not in args:
        return dbt.cli(args, context=context, target_path=target).stream()
    # With the context dagster-dbt would select all models beside.
    call = dbt.cli(args, manifest=manifest, dagster_dbt_translator=Translator(), target_path=target)
    told = (raw.to_default_asset_events(manifest, Translator(), context, target) for raw in call.stream_raw_events())
    return chain.from_iterable(told)


def _kept_tables(manifest: Mapping[str, Any], anew: Container[str], warehouse: dg.AssetsDefinition) -> dict[str, dg.Output[Any]]:
    """Outputs for the models and seeds that are left as they are, by table, parents before children."""
    outputs = {key.path[-1]: output for output, key in warehouse.keys_by_output_name.items()}
    order = TopologicalSorter(manifest["parent_map"]).static_order()
    kept = [node for node in order if node.startswith(("model.", "seed.")) and node not in anew]
    return {table: dg.Output(None, outputs[table], metadata=KEPT) for table in (manifest["nodes"][node]["name"] for node in kept)}


def _kept_checks(
    manifest: Mapping[str, Any], anew: Iterable[str], warehouse: dg.AssetsDefinition
) -> Iterator[dg.AssetCheckResult]:
    """The tests that need not run: they held, and look at nothing else than then."""
    run = {manifest["nodes"][node]["name"] for node in anew if node.startswith("test.")}
    for check in warehouse.check_specs:
        if check.name not in run:
            yield dg.AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name, metadata=KEPT)


def wait_until_free(warehouse: Path, log: Callable[[str], None], seconds: float = PATIENCE) -> None:
    """Wait until no other process has the file open; dg.Failure that names the process when it still has after `seconds`.

    The dbt of a night that was killed goes on by itself until its end.
    """
    if not warehouse.exists():
        return
    again = Retrying(
        retry=retry_if_exception_type(duckdb.IOException),
        wait=wait_fixed(1),
        stop=stop_after_delay(seconds),
        before_sleep=lambda state: log("another process has the warehouse open; waiting") if state.attempt_number == 1 else None,
        reraise=True,
    )
    try:
        again(lambda: duckdb.connect(str(warehouse)).close())
    except duckdb.IOException as error:
        process = re.search(r"PID (\d+)", str(error))
        holder = f"process {process[1]}" if process else "another process"
        advice = "end it and run again; readers belong to releases/current"
        raise dg.Failure(f"{warehouse} is open in {holder}, and dbt cannot write to it; {advice}", allow_retries=False) from None


def with_previews(
    outputs: Mapping[str, dg.Output[Any]], shown: Mapping[str, Sequence[str]], warehouse: Path
) -> Iterator[dg.Output[Any]]:
    """The outputs in their order, those of the tables in `shown` with their first rows and plot as metadata of the asset."""
    found = previews(warehouse, {table: shown[table] for table in outputs if table in shown})
    for table, output in outputs.items():
        if table not in found:
            yield output
            continue
        preview = found[table]
        metadata: dict[str, Any] = {
            "dagster/row_count": preview.rows,
            "preview": dg.MetadataValue.md(preview.head),
            **({"plot": dg.MetadataValue.md(preview.plot)} if preview.plot else {}),
        }
        yield output.with_metadata({**output.metadata, **metadata})


def failures(settings: Settings) -> list[str]:
    """What failed in the last dbt build, one line each: the node and the first lines of its message."""
    file = settings.home / "dbt" / "run_results.json"
    results = json.loads(file.read_text())["results"] if file.exists() else []
    lines = []
    for result in results:
        if result["status"] in ("error", "fail", "runtime error"):
            said = [line.strip() for line in (result["message"] or "").splitlines() if line.strip()]
            lines.append(f"{result['unique_id'].split('.', 2)[2]}: {' '.join(said[:3])}")
    return lines or ["see dbt/dbt.log"]
