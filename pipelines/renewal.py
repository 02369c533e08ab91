"""What follows when rows or keys were changed under the releases: a fresh warehouse, a new release, nothing old left.

<home>/renewal.json says that this is due, and since when. It is written before anything is changed and removed at
the very end, so that whoever finds it knows what was cut off.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipelines.publish import NAME, PublishError, list_releases, remove_release
from pipelines.sources.sieve import PID
from pipelines.store import write_private

FILE = "renewal.json"
BLANK = "0" * 32  # in logs, in the place of an erased pseudonym
# Rewritten, replaced or read by their own rules; everything else in a home is searched for pseudonyms.
_ELSEWHERE = ("landing", "quarantine", "releases", "rotation", "staging")
_FILES_ELSEWHERE = ("warehouse.duckdb", "erased.json", "pseudonym_keys.env", "pseudonym_keys.json", "tokens.json")


def begin(home: Path) -> None:
    """Note that a renewal is due."""
    write_private(home / FILE, note(home))


def note(home: Path) -> str:
    """The content of the marker: since when a renewal is due, written as a release's name. One that is there already stays."""
    return json.dumps({"since": _since(home) if is_due(home) else datetime.now(UTC).strftime(NAME)}) + "\n"


def is_due(home: Path) -> bool:
    """Something was cut off, or not yet published."""
    return (home / FILE).exists()


def drop_warehouse(home: Path) -> None:
    """Remove the warehouse: DuckDB leaves erased bytes in a file it goes on using. The next build makes a fresh one."""
    (home / "warehouse.built").unlink(missing_ok=True)
    for file in home.glob("warehouse.duckdb*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()


def end(home: Path) -> list[str]:
    """Remove all releases but the current one, which has to be newer than the change; their names. Else PublishError.

    Those without the person go, too: what differs between one of them and the new one is the person.
    """
    releases = list_releases(home)
    if not any(release.is_current and release.name > _since(home) for release in releases):
        raise PublishError("the current release is older than what was changed; call `engagement erase`")
    gone = [release for release in releases if not release.is_current]
    for release in gone:
        remove_release(release)
    (home / FILE).unlink()
    return [release.name for release in gone]


def scrub(home: Path, replaced: Callable[[str], str]) -> None:
    """Replace every pseudonym in logs and in the run history of `home` by what `replaced` says, of the same length.

    sqlite3.OperationalError when the run history is locked for a minute.
    """
    for file in _traces(home):
        with file.open("rb") as start:
            is_sqlite = start.read(16) == b"SQLite format 3\x00"
        if is_sqlite:
            _scrub_sqlite(file, replaced)
        elif not file.name.endswith(("-wal", "-shm", "-journal")):
            _scrub_file(file, replaced)


def _since(home: Path) -> str:
    return str(json.loads((home / FILE).read_text())["since"])


def _traces(home: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(home):
        if Path(folder) == home:
            folders[:] = [name for name in folders if name not in _ELSEWHERE]
            names = [name for name in names if name not in _FILES_ELSEWHERE]
        for name in sorted(names):
            if (file := Path(folder) / name).is_file() and file.stat().st_size:
                yield file


def _scrub_file(file: Path, replaced: Callable[[str], str]) -> None:
    """In place and of the same length: a process that is still writing its log goes on at its end."""
    content = file.read_bytes()
    with file.open("r+b") as handle:
        # latin-1 maps each byte to one character, so positions hold in any encoding.
        for match in PID.finditer(content.decode("latin-1")):
            if (new := replaced(match[0])) != match[0]:
                handle.seek(match.start())
                handle.write(new.encode())


def _scrub_sqlite(file: Path, replaced: Callable[[str], str]) -> None:
    database = sqlite3.connect(file, timeout=60, isolation_level=None)
    try:
        database.execute("pragma secure_delete = on")
        tables = database.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'").fetchall()
        changed = sum(_scrub_table(database, table, replaced) for (table,) in tables)
        if changed or _stands_in(file, replaced):
            # Old pages may hold what the rows no longer do.
            database.execute("vacuum")
        database.execute("pragma wal_checkpoint(truncate)")
    finally:
        database.close()


def _scrub_table(database: sqlite3.Connection, table: str, replaced: Callable[[str], str]) -> int:
    changed = 0
    columns = [name for _, name, *_ in database.execute(f'pragma table_info("{table}")')]
    for column in columns:
        query = f'select rowid, "{column}" from "{table}" where typeof("{column}") = \'text\' and length("{column}") >= 32'
        for row, text in database.execute(query).fetchall():
            if (new := PID.sub(lambda match: replaced(match[0]), text)) != text:
                database.execute(f'update "{table}" set "{column}" = ? where rowid = ?', [new, row])
                changed += 1
    return changed


def _stands_in(file: Path, replaced: Callable[[str], str]) -> bool:
    parts = [part for part in (file, file.with_name(f"{file.name}-wal")) if part.exists()]
    return any(replaced(match[0]) != match[0] for part in parts for match in PID.finditer(part.read_bytes().decode("latin-1")))
