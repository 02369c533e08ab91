"""Releases: what BI tools read. Each is a folder of its own, made whole and then pointed to by `current`.

<home>/releases/<time>/ holds engagement.duckdb (read-only, all tables in schema main, with comments), parquet/<table>.parquet,
csv/<table>.csv (UTF-8 with BOM, so that Excel reads Japanese), report.html and manifest.json. `current` is a symlink replaced by
rename: a reader keeps the release it opened, the next one opens the new release, and neither waits. Published files are never
written again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

import duckdb

from pipelines.increments import built_by

DATABASE, REPORT = "engagement.duckdb", "report.html"
NAME = "%Y%m%dT%H%M%S.%fZ"  # names of releases sort by the time they were published at


class PublishError(Exception):
    """A release cannot be made or chosen; the message says why."""


@dataclass(frozen=True)
class Release:
    """One release and the number of rows of its tables."""

    name: str
    path: Path
    tables: dict[str, int]
    is_current: bool


def publish(home: Path, tables: Sequence[str], *, report: Callable[[Path, str], str], run: str, keep: int) -> Release:
    """Copy `tables` from the warehouse into a new release, switch `current` to it and remove all but the newest `keep`.

    `report` makes the page of a database and the name of its release; when it fails, so does publishing, and `current` stays.
    Raises PublishError when the warehouse was not built whole by `run`.
    """
    require_built(home, run)
    releases = home / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in (*releases.glob(".*.making"), *releases.glob(".*.removing")):
        shutil.rmtree(leftover)
    for leftover in releases.glob(".current.*"):
        leftover.unlink()
    name = datetime.now(UTC).strftime(NAME)
    making = releases / f".{name}.making"
    counts = _export(home / "warehouse.duckdb", making, tables)
    (making / REPORT).write_text(report(making / DATABASE, name), encoding="utf-8")
    files = sorted(path for path in making.rglob("*") if path.is_file())
    manifest = {
        "release": name,
        "run": run,
        "tables": counts,
        "files": {str(path.relative_to(making)): _sha256(path) for path in files},
    }
    (making / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    for path in making.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
        _fsync(path)
    _fsync(making)
    os.rename(making, releases / name)
    _point_current(releases, name)
    for old in list_releases(home)[keep:]:
        if not old.is_current:
            remove_release(old)
    return Release(name, releases / name, counts, True)


def remove_release(release: Release) -> None:
    """Remove a release, out of sight first: one that is half removed must not be one to roll back to."""
    shutil.rmtree(release.path.rename(release.path.with_name(f".{release.name}.removing")))


def require_built(home: Path, run: str) -> None:
    """PublishError unless the warehouse is whole and was built by `run`: a half-built one must not be read."""
    builder = built_by(home)
    if builder is None:
        raise PublishError("the warehouse was not built whole; run the nightly job again")
    if builder != run:
        raise PublishError("another run has rebuilt the warehouse since; run the nightly job again")


def list_releases(home: Path) -> list[Release]:
    """All releases, newest first."""
    releases = home / "releases"
    current = (releases / "current").resolve().name if (releases / "current").exists() else None
    found = []
    for file in sorted(releases.glob("[0-9]*/manifest.json"), reverse=True):
        manifest = json.loads(file.read_text())
        found.append(Release(file.parent.name, file.parent, manifest["tables"], file.parent.name == current))
    return found


def current(home: Path) -> Release:
    """The release that `current` points to. PublishError when there is none."""
    found = next((release for release in list_releases(home) if release.is_current), None)
    if found is None:
        raise PublishError("there is no release yet; `engagement run` makes one")
    return found


def rollback(home: Path, name: str | None = None) -> Release:
    """Point `current` at the release `name`, or at the one before the current. PublishError when there is none."""
    releases = list_releases(home)
    if name is None:
        position = next((i for i, release in enumerate(releases) if release.is_current), None)
        if position is None or position + 1 >= len(releases):
            raise PublishError("there is no release before the current one")
        name = releases[position + 1].name
    if name not in {release.name for release in releases}:
        raise PublishError(f"there is no release {name}; there are {', '.join(release.name for release in releases) or 'none'}")
    _point_current(home / "releases", name)
    return next(release for release in list_releases(home) if release.is_current)


def _export(warehouse: Path, folder: Path, tables: Sequence[str]) -> dict[str, int]:
    (folder / "parquet").mkdir(parents=True)
    (folder / "csv").mkdir()
    counts: dict[str, int] = {}
    with duckdb.connect(str(folder / DATABASE)) as connection:
        connection.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
        for table in tables:
            # A fresh file: nothing that was erased from the warehouse can hide in its pages.
            connection.execute(f'create table main."{table}" as from warehouse.main."{table}" order by all')
            _copy_comments(connection, table)
            parquet = _quoted(folder / "parquet" / f"{table}.parquet")
            connection.execute(f"copy main.\"{table}\" to '{parquet}' (format parquet, compression zstd)")
            _write_csv(connection, table, folder / "csv" / f"{table}.csv")
            row = connection.execute(f'select count(*) from main."{table}"').fetchone()
            counts[table] = int(row[0]) if row else 0
        connection.execute("detach warehouse")
        connection.execute("checkpoint")
    return counts


def _copy_comments(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    where = "database_name = 'warehouse' and schema_name = 'main' and table_name = ? and comment is not null"
    for (comment,) in connection.execute(f"select comment from duckdb_tables() where {where}", [table]).fetchall():
        connection.execute(f"comment on table main.\"{table}\" is '{_quoted(comment)}'")
    for column, comment in connection.execute(
        f"select column_name, comment from duckdb_columns() where {where}", [table]
    ).fetchall():
        connection.execute(f'comment on column main."{table}"."{column}" is \'{_quoted(comment)}\'')


def _write_csv(connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Text that a spreadsheet would run as a formula is given a leading apostrophe (OWASP, CSV injection)."""
    columns = connection.execute(f'describe main."{table}"').fetchall()
    parts = [
        f"""case when regexp_matches("{name}", '^[=+@\\t\\r-]') then '''' || "{name}" else "{name}" end as "{name}\""""
        if kind == "VARCHAR"
        else f'"{name}"'
        for name, kind, *_ in columns
    ]
    connection.execute(f"copy (select {', '.join(parts)} from main.\"{table}\") to '{_quoted(file)}' (format csv, header)")
    with open(file, "rb") as plain, open(file.with_suffix(".bom"), "wb") as marked:
        marked.write(b"\xef\xbb\xbf")
        shutil.copyfileobj(plain, marked)
    os.replace(file.with_suffix(".bom"), file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")


def _point_current(releases: Path, name: str) -> None:
    link = releases / f".current.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    os.replace(link, releases / "current")
    _fsync(releases)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
