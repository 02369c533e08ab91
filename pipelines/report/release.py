"""Reads one release: the engagement.duckdb that is about to be, or has been, published."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from pipelines.report.wording import Text, outside
from pipelines.settings import READING

Row = dict[str, Any]


class Release:
    """The tables of a release, read-only; a table it does not have reads as one without rows."""

    def __init__(self, database: Path) -> None:
        self.connection = duckdb.connect(str(database), read_only=True, config=READING)
        self.tables = {name for (name,) in self.connection.execute("select table_name from duckdb_tables()").fetchall()}
        found = self.rows("dim_metrics", "select metric_code, name_en, name_ja, unit, direction from dim_metrics")
        self.metrics = {row["metric_code"]: row for row in found}

    def __enter__(self) -> Release:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()

    def rows(self, table: str, query: str, *values: Any) -> list[Row]:
        """Rows of a query over `table` as dictionaries; decimals come as the query casts them."""
        if table not in self.tables:
            return []
        cursor = self.connection.execute(query, list(values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def unit(self, metric: str) -> str:
        """Unit of a metric; score for one that dim_metrics does not know."""
        return str(self.metrics[metric]["unit"]) if metric in self.metrics else "score"

    def name(self, metric: str) -> Text:
        """Name of a metric in both languages; a metric of the plan's own by its code."""
        known = self.metrics.get(metric)
        return Text(known["name_ja"], known["name_en"]) if known else outside(metric)

    def better_is(self, metric: str) -> str:
        """up, down or neither."""
        return str(self.metrics[metric]["direction"]) if metric in self.metrics else "neither"
