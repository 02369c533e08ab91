"""Releases: what BI tools read. Each is a folder of its own, made whole and then pointed to by `current`.

<home>/releases/<time>/ holds the tables (pipelines/export.py), report.html and manifest.json. `current` is a symlink replaced by
rename: a reader keeps the release it opened, the next one opens the new release, and neither waits. Published files are never
written again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.database import DATABASE
from pipelines.export import Before, export
from pipelines.increments import WAREHOUSE, built_by, runs_of_tables
from pipelines.sealed import seal, synced

MANIFEST, REPORT = "manifest.json", "report.html"
NAME = "%Y%m%dT%H%M%S.%fZ"  # names of releases sort by the time they were published at


class PublishError(Exception):
    """A release cannot be made or chosen; the message says why."""


@dataclass(frozen=True)
class Release:
    """One release, the number of rows of its tables, and the runs that built them (see `increments.runs_of_tables`)."""

    name: str
    path: Path
    tables: dict[str, int]
    runs: dict[str, str]
    is_current: bool

    def same_tables(self, runs: Mapping[str, str]) -> frozenset[str]:
        """The tables of a warehouse, which are of `runs`, whose rows are those of this release: nothing has built them since."""
        return frozenset(table for table, run in runs.items() if self.runs.get(table) == run)


def publish(
    home: Path,
    tables: Sequence[str],
    *,
    report: Callable[[Path, str], str],
    run: str,
    keep: int,
    month_columns: Mapping[str, str] | None = None,
    anew: bool = False,
) -> Release:
    """Copy `tables` from the warehouse into a new release, switch `current` to it and remove all but the newest `keep`.

    Those named in `month_columns` are cut by the month of that column. `report` makes the page of a database and the name of its
    release; when it fails, so does publishing, and `current` stays. `anew` takes over nothing from the release before. Raises
    PublishError when the warehouse was not built whole by `run`.
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
    page = {REPORT: lambda: (making / REPORT).write_text(report(making / DATABASE, name), encoding="utf-8")}
    runs = runs_of_tables(home)
    before = None if anew else _newest(home, runs)
    exported = export(home / WAREHOUSE, making, tables, month_columns or {}, before, keep, page)
    manifest = {
        "release": name,
        "run": run,
        "runs": runs,
        "tables": exported.rows,
        "shapes": exported.shapes,
        "parts": exported.parts,
        "continued": exported.continued,
        "files": dict(sorted(exported.checksums.items())),
    }
    (making / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    seal(making / MANIFEST)
    for folder in making.rglob("*/"):
        synced(folder)
    synced(making)
    os.rename(making, releases / name)
    _point_current(releases, name)
    for old in list_releases(home)[keep:]:
        if not old.is_current:
            remove_release(old)
    return Release(name, releases / name, exported.rows, runs, True)


def _newest(home: Path, runs: Mapping[str, str]) -> Before | None:
    """The files of the newest release, beside a warehouse whose tables are of `runs`."""
    for release in list_releases(home):
        manifest = json.loads((release.path / MANIFEST).read_text())
        shapes, parts, files = manifest.get("shapes", {}), manifest.get("parts", {}), manifest["files"]
        return Before(release.path, shapes, parts, files, manifest.get("continued", 0), release.same_tables(runs))
    return None


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
    for file in sorted(releases.glob(f"[0-9]*/{MANIFEST}"), reverse=True):
        manifest = json.loads(file.read_text())
        name, runs = file.parent.name, manifest.get("runs", {})
        found.append(Release(name, file.parent, manifest["tables"], runs, name == current))
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


def _point_current(releases: Path, name: str) -> None:
    link = releases / f".current.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
    os.replace(link, releases / "current")
    synced(releases)
