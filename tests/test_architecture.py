"""The rules of the house, read from code, dbt manifest and Dagster definitions. A failing test names the offenders."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.landing import check_specs
from pipelines.assets.publish import RELEASE
from pipelines.assets.warehouse import manifest_path, published_tables
from pipelines.definitions import defs
from pipelines.docs import SEPARATOR
from pipelines.quality.published import CHANGES, PLACES, RATIOS, ROUNDED, SCORES, TOLD, WITHOUT_COUNTS
from pipelines.settings import PROJECT, load_settings
from pipelines.sources import KINDS
from pipelines.sources.contract import TABLES
from pipelines.sources.schema import COMMON, Table

LONGEST_MODULE = 400
# Each layer may import itself and those above it in this list, never one below.
LAYERS = (
    ("sources",),
    ("analysis", "privacy"),
    ("settings",),
    ("quality",),
    ("store", "report", "sealed"),
    ("batch_facts", "increments", "database"),
    ("export",),
    ("door",),
    ("tombstones", "publish", "preview"),
    ("landing", "renewal"),
    ("erasure", "rotation"),
    ("assets",),
    ("schedules", "progress", "event_log", "docs"),
    ("definitions", "night"),
    ("generate",),
    ("privacy_cli", "generate_cli"),
    ("cli",),
)
MAY_IMPORT_DAGSTER = ("assets.", "schedules", "definitions", "progress", "event_log", "night")
# What describes the landing of a row, not the row: the choice of the newest version needs it, and a kept model the change_date.
NOT_STAGED = {"change_date", "source_record_id", "landed_at", "batch_id"}
# Rows that were held back because, perhaps, their key could not be read: nothing tells two of them apart.
WITHOUT_A_KEY = {"stg_quarantine__rows"}


# -- modules ---------------------------------------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    files = sorted((PROJECT / "pipelines").rglob("*.py"))
    return {".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


@cache
def imports(module: str) -> frozenset[str]:
    """What a module imports anywhere in it; `from package import name` counts as the module `package.name` where there is one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the full name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules() else str(node.module) for name in names}
    return frozenset(found)


def importers_of(package: str) -> list[str]:
    """The modules that import the package or a part of it."""
    return [name for name in modules() if any(f"{one}.".startswith(f"{package}.") for one in imports(name))]


def inside(module: str) -> list[str]:
    """The project's own modules that a module imports."""
    return sorted(name for name in imports(module) if name in modules())


def layer(module: str) -> int:
    own = module.split(".")[1]
    return next(number for number, names in enumerate(LAYERS) if own in names)


def test_every_module_has_its_layer() -> None:
    known = {name for names in LAYERS for name in names}
    assert {name.split(".")[1] for name in modules() if "." in name} <= known


def test_imports_run_one_way() -> None:
    offences = [
        f"{name} imports {other}" for name in modules() if "." in name for other in inside(name) if layer(other) > layer(name)
    ]
    assert offences == []


def test_imports_have_no_cycles() -> None:
    TopologicalSorter({name: inside(name) for name in modules()}).prepare()


def test_sources_know_neither_dagster_nor_dbt_nor_the_rest_of_the_project() -> None:
    foreign = [
        f"{name} imports {other}"
        for name in modules()
        if name.startswith("pipelines.sources")
        for other in imports(name)
        if re.match(r"dagster|dbt|pipelines(?!\.sources)", other)
    ]
    assert foreign == []


def test_dagster_stays_on_the_dagster_side() -> None:
    offenders = [
        name
        for name in {*importers_of("dagster"), *importers_of("dagster_dbt")}
        if not name.removeprefix("pipelines.").startswith(MAY_IMPORT_DAGSTER)
    ]
    assert offenders == []


def test_great_expectations_is_imported_by_the_gate_alone_and_only_when_it_opens() -> None:
    assert importers_of("great_expectations") == ["pipelines.quality.gate"]
    gate = ast.parse(modules()["pipelines.quality.gate"].read_text(encoding="utf-8"))
    at_import = [ast.unparse(node) for node in gate.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not any("great_expectations" in line for line in at_import)


def test_every_module_says_what_it_is() -> None:
    silent = [
        name for name, file in modules().items() if file.stat().st_size and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert silent == []


def test_no_module_is_too_long() -> None:
    files = [*(PROJECT / "pipelines").rglob("*.py"), *(PROJECT / "tests").rglob("*.py")]
    long = [str(file.relative_to(PROJECT)) for file in files if len(file.read_text().splitlines()) > LONGEST_MODULE]
    assert long == []


@pytest.mark.parametrize(("source", "kind"), sorted(KINDS))
def test_every_kind_has_a_module_of_its_name_and_a_test_file(source: str, kind: str) -> None:
    model = KINDS[source, kind]
    assert model.__module__ == f"pipelines.sources.{source}.{kind}"
    tests = [file.read_text(encoding="utf-8") for file in (PROJECT / "tests" / "sources").glob(f"test_{source}_*.py")]
    assert any(model.__name__ in text for text in tests), f"no tests/sources/test_{source}_*.py tests {model.__name__}"


# -- files -----------------------------------------------------------------------------------------------------------------------


def tracked() -> Iterator[tuple[str, str]]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        if (PROJECT / name).is_file():
            yield name, (PROJECT / name).read_bytes().decode("utf-8", errors="replace")


def test_no_file_holds_a_home_directory_or_the_address_of_a_package_index() -> None:
    home = r"/(?:home|Users)/\w+/|/root/\w"
    index = r"^\s*(?:--(?:extra-)?index-url|--find-links|-i|-f)\s|https?://\S*(?:/simple\b|pypi\.)"
    found = [f"{name}: {match[0]}" for name, text in tracked() for match in re.finditer(f"{home}|{index}", text, re.MULTILINE)]
    assert [line for line in found if not line.startswith("tests/test_architecture.py")] == []


# -- dbt -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(manifest_path(load_settings()).read_text())
    return loaded


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


def is_bilingual(description: str) -> bool:
    english, mark, japanese = description.partition(SEPARATOR)
    return bool(mark and english.strip() and re.search(r"[ぁ-んァ-ヶ一-龠]", japanese))


def test_every_model_and_column_is_described_in_both_languages(models: dict[str, dict[str, Any]]) -> None:
    silent = [name for name, model in models.items() if not is_bilingual(model["description"])]
    silent += [
        f"{name}.{column['name']}"
        for name, model in models.items()
        for column in model["columns"].values()
        # A platform's own name for a thing may be the Japanese half as well.
        if not all(half.strip() for half in column["description"].partition(SEPARATOR))
    ]
    assert silent == []


def test_every_model_says_its_grain_first_and_last(models: dict[str, dict[str, Any]]) -> None:
    offenders = []
    for name, model in models.items():
        first = model["raw_code"].lstrip().splitlines()[0]
        grain = re.match(r"(?:-- |\"{3})(One row per .+?)\.(?:\"{3})?$", first)
        english = model["description"].partition(SEPARATOR)[0].strip()
        if grain is None or not english.endswith(f"{grain[1]}."):
            offenders.append(f"{name}: {first!r} and {english[-60:]!r}")
    assert offenders == []


def test_every_model_has_its_contract_its_name_and_its_own_yml(models: dict[str, dict[str, Any]]) -> None:
    # dbt enforces contracts on SQL alone: what Python works out is read, column by column, by a SQL model that has one.
    loose = {name for name, model in models.items() if not model["config"]["contract"]["enforced"]}
    assert loose == {name for name, model in models.items() if model["language"] == "python"}
    assert [name for name in loose if models[name]["fqn"][1] != "intermediate"] == []
    prefixes = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_", "rpt_")}
    assert [name for name, model in models.items() if not name.startswith(prefixes[model["fqn"][1]])] == []
    apart = [
        name
        for name, model in models.items()
        if model["patch_path"].partition("://")[2] != str(Path(model["original_file_path"]).with_suffix(".yml"))
    ]
    assert apart == []


def test_every_model_is_tested_to_be_unique_on_its_grain(manifest: dict[str, Any], models: dict[str, dict[str, Any]]) -> None:
    tested = {
        node.get("attached_node")
        for node in manifest["nodes"].values()
        if (node.get("test_metadata") or {}).get("name") in ("unique", "unique_grain")
    }
    assert {name for name, model in models.items() if model["unique_id"] not in tested} == WITHOUT_A_KEY


def test_no_test_is_a_mere_warning(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert [node["name"] for node in tests if str(node["config"].get("severity", "error")).lower() != "error"] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id)
def test_a_landing_table_is_a_source_and_a_staging_model(
    table: Table, manifest: dict[str, Any], models: dict[str, dict[str, Any]]
) -> None:
    source = manifest["sources"][f"source.engagement.{table.source}.{table.name}"]
    told = {name: column["description"] for name, column in source["columns"].items()}
    assert told == {column.name: f"{column.en}. {SEPARATOR}{column.ja}。" for column in table.all_columns}
    assert source["description"] == f"{table.en}. {SEPARATOR}{table.ja}。"
    staged = models[f"stg_{table.source}__{table.name}"]
    left_out = NOT_STAGED - ({"change_date"} if staged["config"]["materialized"] == "incremental" else set())
    assert set(staged["columns"]) == {column.name for column in table.all_columns} - left_out
    assert {column.name for column in COMMON} >= NOT_STAGED


def test_nothing_of_one_employee_is_published(manifest: dict[str, Any]) -> None:
    published = published_tables(manifest)
    assert published
    assert [table.name for table in published if not table.name.startswith(("rpt_", "dim_", "fct_"))] == []
    persons = [
        f"{t.name}.{c}" for t in published for c in t.columns if c.endswith(("employee_pid", "respondent_pid", "manager_pid"))
    ]
    assert persons == []
    private = {"fct_survey_answers", "fct_headcount_months", "fct_employee_engagement_waves", "dim_org_units"}
    assert private & {table.name for table in published} == set()


# Days, names of units, all surveys' answers: who reads these has not read of an employee.
NOT_OF_EMPLOYEES = {"dim_dates", "dim_org_units", "fct_survey_answers"}


def readers_of_answers(models: dict[str, dict[str, Any]], saying: str) -> set[str]:
    """The models that read the answers of all surveys and in whose SQL `saying` stands."""
    return {
        name
        for name, model in models.items()
        if saying in model["raw_code"] and any(parent.endswith(".fct_survey_answers") for parent in model["depends_on"]["nodes"])
    }


def test_whatever_is_published_of_employees_passes_through_the_disclosures(models: dict[str, dict[str, Any]]) -> None:
    reads = {
        name: {parent.rpartition(".")[2] for parent in model["depends_on"]["nodes"] if parent.startswith("model.")}
        for name, model in models.items()
    }

    def above(name: str, stop: frozenset[str] = frozenset()) -> set[str]:
        found, waiting = set(), [name]
        while waiting:
            fresh = reads[waiting.pop()] - found - stop
            found |= fresh
            waiting += fresh
        return found

    employees = {"stg_hr__employees", "stg_hr__activities", *readers_of_answers(models, "audience = 'employee'")}
    audited = {*SCORES, *RATIOS, *ROUNDED, *CHANGES, *PLACES, *TOLD}
    published = {name for name, model in models.items() if model["config"].get("meta", {}).get("published")}
    harmless = frozenset(NOT_OF_EMPLOYEES)
    told = {name for name in published - harmless if above(name, harmless) & employees}
    assert told >= audited
    assert [name for name in told if "int_employee_disclosures" not in above(name)] == []
    bare = [name for name in told if not {"is_suppressed", "suppress_reason"} <= set(models[name]["columns"])]
    assert sorted(bare) == WITHOUT_COUNTS
    assert sorted(told - audited) == WITHOUT_COUNTS


def test_the_leak_auditor_reads_published_tables_alone(models: dict[str, dict[str, Any]]) -> None:
    published = {name for name, model in models.items() if model["config"].get("meta", {}).get("published")}
    code = (PROJECT / "pipelines" / "quality" / "published.py").read_text(encoding="utf-8")
    assert set(re.findall(r"\b(?:int|stg|fct|dim|rpt)_\w+", code)) - published == set()


def test_answers_are_read_for_one_audience_at_a_time(models: dict[str, dict[str, Any]]) -> None:
    assert readers_of_answers(models, "") == readers_of_answers(models, "audience")


def test_no_comment_of_an_employee_is_published_and_how_many_there_were_from_ten_on(models: dict[str, dict[str, Any]]) -> None:
    """Of free texts only the length lands; who tells how many employees wrote one asks `shows_comments`: ten who did."""
    told = [models[name] for name in (*SCORES, *RATIOS, *ROUNDED, *CHANGES, *PLACES, *TOLD)]
    columns = {f"{m['name']}.{c}" for m in told for c in m["columns"] if "text" in c or "comment" in c}
    assert columns == {"rpt_employee_representativeness.commented"}
    readers = {name for name, model in models.items() if "text_length" in model["raw_code"] and "'employee'" in model["raw_code"]}
    assert readers == {"fct_survey_answers", "int_employee_wave_members"}
    assert {name for name, model in models.items() if "is_commenting" in model["raw_code"]} == {
        "int_employee_wave_members", "rpt_employee_representativeness"
    }  # fmt: skip
    assert "shows_comments" in models["rpt_employee_representativeness"]["raw_code"]


# -- Dagster ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    made: dg.Definitions = defs()
    return made


def test_every_landing_table_is_an_asset_of_its_source_with_a_partition_per_day(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    first_day = load_settings().config().company.first_day
    assert len(TABLES) == 22
    for table in TABLES:
        node = graph.get(dg.AssetKey([table.source, table.name]))
        assert node.group_name == table.source
        days = node.partitions_def
        assert isinstance(days, dg.DailyPartitionsDefinition)
        assert (days.timezone, days.start.date(), days.cron_schedule) == ("Asia/Tokyo", first_day, "0 0 * * *")
        assert graph.get(dg.AssetKey(f"stg_{table.source}__{table.name}")).parent_keys >= {node.key}


def test_the_jobs_and_the_schedule(definitions: dg.Definitions) -> None:
    named = {job.name: job for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
    assert set(named) == {"nightly", "backfill", "rebuild"}
    assert {job.executor_def.name for job in named.values()} == {dg.in_process_executor.name}
    graph = definitions.resolve_asset_graph()
    assert set(named["nightly"].asset_layer.executable_asset_keys) == set(graph.executable_asset_keys)
    landing = {dg.AssetKey([table.source, table.name]) for table in TABLES}
    assert set(named["rebuild"].asset_layer.executable_asset_keys) == set(graph.executable_asset_keys) - landing
    schedule = definitions.resolve_schedule_def("nightly_0200")
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == ("0 2 * * *", "Asia/Tokyo", "nightly")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_every_check_of_the_door_and_the_exit_blocks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    specs = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    for table in TABLES:
        door = {spec.key for spec in check_specs(table)}
        assert door
        assert door <= set(specs)
    gates = [key for key in specs if len(key.asset_key.path) == 2 or key.name.startswith("exit_")]
    assert [key.to_user_string() for key in gates if not specs[key].blocking] == []


def test_the_release_waits_for_every_published_table_and_its_exit_checks(
    definitions: dg.Definitions, manifest: dict[str, Any]
) -> None:
    graph = definitions.resolve_asset_graph()
    published = {dg.AssetKey(table.name) for table in published_tables(manifest)}
    assert graph.get(RELEASE).parent_keys == published
    checked = {key.asset_key for key in graph.asset_check_keys if key.name == "exit_rows"}
    assert checked == published
