"""Writes the documentation that follows from code: docs/tables.md from dbt's manifest, docs/landing.md from the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.assets.warehouse import manifest_path
from pipelines.settings import PROJECT, Settings
from pipelines.sources.contract import TABLES
from pipelines.sources.schema import COMMON, Column

SEPARATOR = "｜"  # between the English and the Japanese half of a description in dbt's yml
DOCS = PROJECT / "docs"
HEADER = ("| column | type | meaning | 意味 |", "| --- | --- | --- | --- |")


def write_docs(settings: Settings, *, check: bool) -> list[Path]:
    """Write the generated pages, or with `check` only compare; the pages that differ from what is on disk."""
    manifest = json.loads(manifest_path(settings).read_text())
    pages = {DOCS / "tables.md": tables_page(manifest), DOCS / "landing.md": landing_page()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check:
        DOCS.mkdir(exist_ok=True)
        for path in stale:
            path.write_text(pages[path], encoding="utf-8")
    return stale


def tables_page(manifest: Mapping[str, Any]) -> str:
    """Published tables with every column, then the private ones by name."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    models.sort(key=lambda node: str(node["name"]))
    published = [node for node in models if node["config"].get("meta", {}).get("published")]
    private = [node for node in models if node not in published and not node["name"].startswith("stg_")]
    lines = [
        "# Tables",
        "",
        "Written by `make docs` from the dbt project. The published tables lie in `data/releases/current/`;",
        "the others are private to the pipeline.",
        "",
        "公開テーブルは `data/releases/current/` にあります。その他はパイプライン内部用です。",
        "",
        *(f"- [{node['name']}](#{node['name']})" for node in published),
        "",
    ]
    for node in published:
        english, japanese = _halves(node["description"])
        lines += [f"## {node['name']}", "", english, "", japanese, "", *HEADER]
        for column in node["columns"].values():
            meaning, imi = _halves(column["description"])
            lines.append(f"| `{column['name']}` | {column['data_type']} | {_cell(meaning)} | {_cell(imi)} |")
        lines.append("")
    lines += ["## Private tables", "", "| table | rows |", "| --- | --- |"]
    lines += [f"| `{node['name']}` | {_cell(_halves(node['description'])[0])} |" for node in private]
    return "\n".join(lines) + "\n"


def landing_page() -> str:
    """Every landing table of the contract."""
    lines = [
        "# Landing contract",
        "",
        "Written by `make docs` from `pipelines/sources/contract.py`. Files lie in",
        "`data/landing/<source>/<table>/month=YYYY-MM/<connection>.parquet`.",
        "A personal column holds a keyed hash, never the value.",
        "",
        "Every table begins with these columns:",
        "",
        *_columns(COMMON),
        "",
    ]
    for table in TABLES:
        key = ", ".join(f"`{name}`" for name in table.key)
        lines += [f"## {table.id}", "", f"{table.en}. Key: {key}.", "", f"{table.ja}。", "", *_columns(table.columns), ""]
    return "\n".join(lines).rstrip() + "\n"


def _columns(columns: tuple[Column, ...]) -> list[str]:
    lines = list(HEADER)
    for column in columns:
        marks = [
            "required" if column.required else "",
            f"personal ({column.personal})" if column.personal else "",
            f"one of {', '.join(column.enum)}" if column.enum else "",
        ]
        notes = "; ".join(filter(None, (column.en, *marks)))
        lines.append(f"| `{column.name}` | {column.type} | {_cell(notes)} | {_cell(column.ja)} |")
    return lines


def _halves(description: str) -> tuple[str, str]:
    english, _, japanese = " ".join(description.split()).partition(SEPARATOR)
    return english.strip(), japanese.strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
