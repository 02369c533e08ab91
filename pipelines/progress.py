"""What a person at a terminal sees while a run works: one line per thing done, no event traffic."""

import logging
from datetime import datetime
from typing import Any

import dagster as dg


class _Progress(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        message = meta.get("orig_message") or record.getMessage()
        return f"  {datetime.fromtimestamp(record.created):%H:%M:%S}  {message}"


# What dagster-dbt says of itself; dbt's own output is in the run's log.
FOREIGN = ("A dbt subsetted execution", "Running dbt command", "Finished dbt command")


def _is_ours(record: logging.LogRecord) -> bool:
    """Messages of our own steps; Dagster's events are told by the summary at the end."""
    meta: dict[str, Any] = getattr(record, "dagster_meta", {})
    message = str(meta.get("orig_message") or "")
    return meta.get("dagster_event") is None and record.levelno == logging.INFO and not message.startswith(FOREIGN)


@dg.logger({}, description="One plain line per thing done, for a terminal.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger that prints the steps' own messages."""
    logger = logging.Logger("engagement", level=logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(_Progress())
    handler.addFilter(_is_ours)
    logger.addHandler(handler)
    return logger
