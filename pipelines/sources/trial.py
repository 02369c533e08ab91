"""A look at a live connection before it is relied on: one page of each of its lists as it would land. Nothing is written.

Data flow: the first page of each list of the last month -> the kind's `read` -> rows as text, persons and what could name one
masked -> what a required column lacks, what cannot be read, which fields of the source nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.sources.connection import Bad, Frame, Person, SourceError, Window
from pipelines.sources.contract import table as contract_table
from pipelines.sources.credentials import Secrets
from pipelines.sources.http import Clock, Tell
from pipelines.sources.live import LiveConnection
from pipelines.sources.mapped import ignored_fields
from pipelines.sources.masking import masked

DAYS = 30
SHOWN = 5
FILLED_BY_LANDING = frozenset({"connection", "change_date", "source_record_id", "landed_at", "batch_id"})


@dataclass(frozen=True)
class TriedTable:
    """What one page gives for one table: up to `SHOWN` rows as text, and what is wrong with them."""

    table: str
    count: int
    rows: list[dict[str, str]]
    missing: list[str]  # required columns that are blank in some row
    blank: list[str]  # other columns that no row fills
    unreadable: list[str]


@dataclass
class TriedPage:
    """One page of one list."""

    label: str
    records: int
    ignored: list[str]
    tables: list[TriedTable] = field(default_factory=list)


def try_connection(connection: LiveConnection, secrets: Secrets, clock: Clock, tell: Tell) -> Iterator[TriedPage]:
    """The first page of each list, oldest list first. Raises SourceError in one line, without secrets."""
    own = secrets.of_one_pull()
    today = clock.now().astimezone(connection.zone).date()
    try:
        api = connection.api(own, clock, tell)
        api.one_page = True
        try:
            for page in connection.pages(api, Window(today - timedelta(days=DAYS), today)):
                tried = TriedPage(page.label, len(page.records), ignored_fields(page.records, connection.paths(page.stream)))
                tried.tables = [_tried(connection.source, frame) for frame in connection.read(page)]
                yield tried
        finally:
            api.close()
    except SourceError as error:
        raise SourceError(own.redacted(f"{connection.name}: {error}")) from None
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        what = own.redacted(masked(f"{type(error).__name__}: {error}", 100))
        raise SourceError(f"{connection.name}: the source sends something else than {connection.kind} expects ({what})") from None


def _tried(source: str, frame: Frame) -> TriedTable:
    table = contract_table(source, frame.table)
    names = [column.name for column in table.all_columns if column.name not in FILLED_BY_LANDING]
    rows = [{name: row.get(name) for name in names} for row in frame.rows.to_dict("records")]
    required = {column.name for column in table.all_columns if column.required}
    empty = {name: sum(_is_blank(row[name]) for row in rows) for name in names}
    unreadable = [
        f"{name}: {value.column} {'***' if table.column(name).personal else masked(value.raw)!r} {value.why}"
        for row in rows
        for name, value in row.items()
        if isinstance(value, Bad)
    ]
    return TriedTable(
        table.id,
        len(rows),
        [{name: _shown(value) for name, value in row.items() if not _is_blank(value)} for row in rows[:SHOWN]],
        [name for name in names if name in required and empty[name]],
        [name for name in names if name not in required and rows and empty[name] == len(rows)],
        list(dict.fromkeys(unreadable)),
    )


def _is_blank(value: Any) -> bool:
    return value is None or value != value  # pandas may hold a missing cell as NaN, which differs from itself


def _shown(value: Any) -> str:
    if isinstance(value, Person):
        return f"*** ({value.kind}, becomes a pseudonym)"
    if isinstance(value, Bad):
        return f"cannot be read: {value.why}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return masked(str(value))
