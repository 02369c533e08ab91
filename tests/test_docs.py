"""The documentation is complete, names nothing that does not exist, and its examples are valid."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import pytest
import typer.main
import yaml
from pydantic import BaseModel

from pipelines.assets.warehouse import manifest_path, published_tables
from pipelines.cli import app
from pipelines.docs import read_metrics, write_docs
from pipelines.quality.landing import BATCH_RULES, row_rules
from pipelines.quality.reporting import exit_rules
from pipelines.settings import PROJECT, Settings, load_settings, read_connections
from pipelines.sources import KINDS
from pipelines.sources.connection import FileConnection
from pipelines.sources.contract import TABLES, sources
from pipelines.sources.hr import hr_files
from pipelines.sources.layouts import Layout
from pipelines.sources.live import LiveConnection
from pipelines.sources.plan import plan_files
from pipelines.sources.sns.base import SnsFile
from pipelines.sources.survey.base import INVITATIONS

README, CONNECTIONS, OPERATING = PROJECT / "README.md", PROJECT / "docs" / "connections.md", PROJECT / "docs" / "operating.md"
HAND_WRITTEN = [README, *(PROJECT / "docs" / f"{name}.md" for name in ("connections", "decisions", "operating"))]
TEXT = {page: page.read_text(encoding="utf-8") for page in HAND_WRITTEN}
ALL = "\n".join(TEXT.values())
CODE = "\n".join(found for found in re.findall(r"```.*?```|`[^`\n]+`", ALL, re.DOTALL))
COMMANDS: dict[str, Any] = dict(getattr(typer.main.get_command(app), "commands", {}))
TARGETS = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
VARIABLES = {f"ENGAGEMENT_{name.upper()}" for name in Settings.model_fields}
LAYOUTS = [
    INVITATIONS,
    *(hr_files.EMPLOYEES, hr_files.ACTIVITIES, hr_files.FINANCE),
    *(plan_files.INITIATIVES, plan_files.SUBJECTS, plan_files.TARGETS),
]
YAML_BLOCKS = [
    (page.name, block) for page in (README, CONNECTIONS) for block in re.findall(r"```yaml\n(.*?)```", TEXT[page], re.DOTALL)
]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(manifest_path(load_settings()).read_text())
    return loaded


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", TEXT[page], re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page.name} has no heading {heading!r}"
    return found[1]


def marked(text: str) -> set[str]:
    """Every word that stands in backticks, alone or beside others."""
    return {word for span in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"\w+", span)}


def models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and every model its fields hold."""
    yield kind
    for field in kind.model_fields.values():
        held = [field.annotation]
        while held:
            part = held.pop()
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)
            held.extend(get_args(part))


def options(kind: type[BaseModel]) -> set[str]:
    """Every key that may stand in an entry of the kind, at any depth."""
    return {field.alias or name for model in models(kind) for name, field in model.model_fields.items()} - {"name"}


def kind_text(source: str, kind: str) -> str:
    """What the page says of a kind: its own section, its source's introduction, and what holds for all."""
    if issubclass(KINDS[source, kind], LiveConnection):
        lists = section(CONNECTIONS, "## rest and graphql") if kind in ("rest", "graphql") else ""
        survey = section(CONNECTIONS, "## Surveys (source `survey`)").partition("\n### ")[0] if source == "survey" else ""
        return section(CONNECTIONS, "## Live connections") + lists + survey + section(CONNECTIONS, f"### {source}/{kind}")
    introductions = {line for line in TEXT[CONNECTIONS].splitlines() if line.endswith(f"(source `{source}`)")}
    assert len(introductions) == 1, f"connections.md needs one heading that ends with (source `{source}`)"
    shared = section(CONNECTIONS, introductions.pop()).partition("\n### ")[0]
    return section(CONNECTIONS, "## Options of every kind") + shared + section(CONNECTIONS, f"### {source}/{kind}")


# -- everything that exists is documented ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_its_options_are_documented(command: str) -> None:
    assert f"`engagement {command}" in ALL
    for parameter in COMMANDS[command].params:
        names = [name for name in parameter.opts if name.startswith("--") and name != "--help"]
        assert all(f"{name}" in CODE for name in names), f"engagement {command}: {names} is nowhere in README or docs"


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_documented(target: str) -> None:
    assert f"make {target}" in CODE


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_every_variable_is_documented(variable: str) -> None:
    assert f"`{variable}`" in TEXT[README]
    assert variable in (PROJECT / ".env.example").read_text()
    assert f"`{variable}`" in TEXT[OPERATING]


@pytest.mark.parametrize("rule", [rule.name for rule in BATCH_RULES])
def test_every_batch_check_says_what_to_do(rule: str) -> None:
    (row,) = re.findall(rf"^\| `{rule}` \|(.*)\|$", section(OPERATING, "## The checks at the door"), re.MULTILINE)
    assert all(cell.strip() for cell in row.split(" | "))


def family(rule: str) -> str:
    """The row of the page that a row check belongs to."""
    name = re.sub(r"^range_.+", "range_<column>", rule)
    return re.sub(r"^\w+_after_\w+$", "<later>_after_<earlier>", name)


@pytest.mark.parametrize("rule", sorted({family(rule.name) for table in TABLES for rule in row_rules(table)} | {"document"}))
def test_every_row_check_says_what_to_do(rule: str) -> None:
    assert f"\n| `{rule}`" in section(OPERATING, "## The checks at the door")


def test_every_exit_check_says_what_to_do() -> None:
    names = {rule.name for rule in exit_rules("rpt_any", ("answered_rate", "answered_share", "n"))}
    families = {f"exit_{re.sub(r'^.+_between_', '<column>_between_', name)}" for name in names}
    assert families == {"exit_rows", "exit_<column>_between_0_and_1"}
    assert all(f"\n| `{name}` |" in section(OPERATING, "## The checks at the exit") for name in families)


@pytest.mark.parametrize(("source", "kind"), sorted(KINDS))
def test_every_option_of_a_kind_is_documented_and_no_other(source: str, kind: str) -> None:
    text = kind_text(source, kind)
    assert options(KINDS[source, kind]) - marked(text) == set()
    known = options(KINDS[source, kind]) | {"source"}
    told = set()
    for block in re.findall(r"^\| option.*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE):
        told |= {name for row in block.splitlines() for name in marked(row.split(" | ")[0])}
    assert told - known == set()


@pytest.mark.parametrize(("source", "kind"), sorted(KINDS))
def test_every_kind_has_an_example(source: str, kind: str) -> None:
    text = section(CONNECTIONS, f"### {source}/{kind}")
    assert re.search(rf"```yaml\n(?:.*\n)*?    source: {source}\n    kind: {kind}\n", text)


@pytest.mark.parametrize("kind", sorted(kind for (source, kind), model in KINDS.items() if issubclass(model, SnsFile)))
def test_every_column_an_sns_export_may_give_is_documented(kind: str) -> None:
    model = KINDS["sns", kind]
    assert issubclass(model, SnsFile)
    assert set(model.mappable()) - marked(section(CONNECTIONS, f"### sns/{kind}")) == set()


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.table.id)
def test_every_layout_is_shown_with_an_example_row(layout: Layout) -> None:
    header = "| " + " | ".join(f"{japanese} / {english}" for japanese, english in layout.headers.values()) + " |"
    assert f"{header}\n| ---" in TEXT[CONNECTIONS]
    words = {word for known in layout.words.values() for pair in known.items() for word in pair}
    assert {word for word in words if not re.search(rf"(?<!\w){word}(?!\w)", TEXT[CONNECTIONS])} == set()


def test_every_source_and_landing_table_is_documented() -> None:
    assert [name for name in sources() if f"(source `{name}`)" not in TEXT[CONNECTIONS]] == []
    assert [table.id for table in TABLES if f"`{table.id}`" not in TEXT[CONNECTIONS]] == []


def test_every_published_table_is_in_the_readme(manifest: dict[str, Any]) -> None:
    rows = section(README, "## What is published")
    assert [table.name for table in published_tables(manifest) if f"`{table.name}`" not in rows] == []
    assert set(re.findall(r"`((?:rpt|fct|dim)_\w+)`", rows)) == {table.name for table in published_tables(manifest)}


def test_the_generated_pages_are_current() -> None:
    assert write_docs(load_settings(), check=True) == [], "run `make docs`"


# -- everything that is named exists ---------------------------------------------------------------------------------------------


def test_every_command_and_target_named_exists() -> None:
    assert set(re.findall(r"\bengagement ([a-z]+(?:-[a-z]+)*)", CODE)) - set(COMMANDS) == set()
    assert set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", CODE)) - set(TARGETS) == set()


def test_every_option_named_belongs_to_its_command() -> None:
    for command, rest in re.findall(r"\bengagement ([a-z]+(?:-[a-z]+)*)([^\n`|>]*)", CODE):
        known = {name for parameter in COMMANDS[command].params for name in parameter.opts} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", rest)) - known == set(), command


def test_every_variable_named_exists() -> None:
    named = set(re.findall(r"ENGAGEMENT_[A-Z]+(?:_[A-Z]+)*", ALL))
    assert {name for name in named if not any(known.startswith(name) for known in VARIABLES)} == set()


def test_every_kind_named_exists() -> None:
    kinds = "|".join(sorted({kind for _, kind in KINDS}))
    named = re.findall(rf"\b({'|'.join(sources())})/(\w+_(?:csv|files)|{kinds})\b", ALL + (PROJECT / "CHANGELOG.md").read_text())
    assert set(named) == set(KINDS)


def test_every_table_named_exists(manifest: dict[str, Any]) -> None:
    nodes = {node["name"] for node in manifest["nodes"].values()} | {table.id for table in TABLES}
    named = re.findall(r"\b(?:rpt|fct|dim|int|stg|assert)_\w+", ALL)
    named += re.findall(rf"`((?:{'|'.join(sources())})\.[a-z_]+)`", ALL)
    assert set(named) - nodes == set()


def test_every_file_of_the_project_named_exists() -> None:
    named = re.findall(r"`((?:pipelines|dbt_project|tests|docs|data_samples)/[\w./]+)`", ALL)
    assert [name for name in named if not (PROJECT / name).exists()] == []


@pytest.mark.parametrize(("page", "block"), YAML_BLOCKS, ids=[f"{page}-{number}" for number, (page, _) in enumerate(YAML_BLOCKS)])
def test_every_yaml_example_is_a_valid_connections_yaml(
    page: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = yaml.safe_load(block)
    content.setdefault("company", {"name": "Minamo", "first_day": "2024-10-01"})
    for entry in content["connections"].values():
        if "path" in entry:
            (tmp_path / entry["path"]).mkdir(parents=True)
    for name in re.findall(r"\$\{(\w+)\}", block):
        monkeypatch.setenv(name, "given")
    (tmp_path / "connections.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    config = read_connections(tmp_path / "connections.yaml")
    assert set(config.connections) == set(content["connections"])
    assert all(one.path.is_dir() for one in config.connections.values() if isinstance(one, FileConnection))


# -- links -----------------------------------------------------------------------------------------------------------------------


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PROJECT / name for name in listed.stdout.splitlines() if (PROJECT / name).exists()]


def anchors(page: Path) -> set[str]:
    """The anchors a code host gives the headings of a page."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_relative_link_resolves() -> None:
    broken = []
    for page in pages():
        prose = re.sub(r"```.*?```|`[^`\n]+`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            if link.startswith(("http://", "https://", "mailto:")):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(PROJECT)}: {link}")
    assert broken == []


def test_every_published_report_has_a_metric_and_every_metric_is_a_column_of_one(manifest: dict[str, Any]) -> None:
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    shown = [column.strip() for metric in read_metrics() for column in metric["reports"].split(",")]
    assert [name for name in shown if name.split(".")[1] not in nodes[name.split(".")[0]]["columns"]] == []
    reports = {name for name in nodes if name.startswith("rpt_")}
    assert reports - {name.split(".")[0] for name in shown} == set()


def test_every_metric_has_a_formula_a_caveat_and_a_source_in_both_languages() -> None:
    for metric in read_metrics():
        for name in ("formula", "reference"):
            english, _, japanese = metric[name].partition("｜")
            assert english.strip(), f"{metric['code']} has no {name}"
            assert japanese.strip(), f"{metric['code']} has no Japanese {name}"
        assert metric["source"], f"{metric['code']} has no source"
