"""Writes the documentation that follows from code.

docs/tables.md from dbt's manifest, docs/landing.md from the landing contract, docs/metrics.md from `seeds/metrics.csv`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
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
    pages = {
        DOCS / "tables.md": tables_page(manifest),
        DOCS / "landing.md": landing_page(),
        DOCS / "metrics.md": metrics_page(manifest, read_metrics()),
    }
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


def read_metrics() -> list[dict[str, str]]:
    """The rows of `seeds/metrics.csv`, one per metric."""
    with (PROJECT / "dbt_project" / "seeds" / "metrics.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def metrics_page(manifest: Mapping[str, Any], metrics: Sequence[Mapping[str, str]]) -> str:
    """For every published report its metrics, each with formula, unit, denominator, caveat and source in both languages."""
    reports: dict[str, list[Mapping[str, str]]] = {}
    for metric in metrics:
        for table in dict.fromkeys(column.split(".")[0].strip() for column in metric["reports"].split(",")):
            reports.setdefault(table, []).append(metric)
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    lines = [
        "# Metrics",
        "",
        "Written by `make docs` from `dbt_project/seeds/metrics.csv`. Every figure of a report by its definition.",
        "A metric stands under the first report that shows it; the others refer to it.",
        "",
        "レポートの各指標の定義です。複数のレポートに現れる指標は最初のレポートの項に記載しています。",
        "",
    ]
    told: set[str] = set()
    for table in sorted(reports):
        english, japanese = _halves(nodes[table]["description"])
        lines += [f"## {table}", "", english, "", japanese, ""]
        for metric in reports[table]:
            if metric["code"] in told:
                lines += [f"- {metric['name_en']} ｜{metric['name_ja']}: see [{metric['code']}](#{metric['code']})"]
                continue
            told.add(metric["code"])
            lines += ["", f"### {metric['code']}", "", f"**{metric['name_en']} ｜{metric['name_ja']}**", "", *_metric(metric), ""]
        lines.append("")
    return "\n".join(_without_double_blanks(lines)).rstrip() + "\n"


def _metric(metric: Mapping[str, str]) -> list[str]:
    rows = [("", "English", "日本語"), ("---", "---", "---")]
    for label, name in (
        ("formula / 計算式", "formula"),
        ("caveat / 注意", "caveat"),
        ("interval / 信頼区間", "interval_method"),
        ("reference / 典拠", "reference"),
    ):
        if metric[name]:
            rows.append((label, *_halves(metric[name])))
    columns = ", ".join(f"`{column.strip()}`" for column in metric["reports"].split(","))
    better = {"up": "higher is better / 高いほど良い", "down": "lower is better / 低いほど良い", "neither": "neither / 良否なし"}
    facts = [f"unit `{metric['unit']}`", f"denominator: {metric['denominator']}" if metric["denominator"] else ""]
    facts += [better[metric["direction"]], f"shown from n = {metric['min_n']}", f"version {metric['version']}"]
    return [
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
        "",
        "; ".join(filter(None, facts)) + ".",
        "",
        f"Made of / 元データ: `{metric['source']}`. Shown in / 表示: {columns}.",
    ]


def _without_double_blanks(lines: Sequence[str]) -> list[str]:
    return [line for place, line in enumerate(lines) if line or place == 0 or lines[place - 1]]


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
