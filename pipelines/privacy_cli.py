"""The commands that take a person out and that change the keys: `engagement erase` and `engagement rotate-keys`."""

from __future__ import annotations

import sqlite3
import sys
from datetime import date
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table as RichTable

from pipelines import erasure, renewal, tombstones
from pipelines.publish import PublishError, list_releases
from pipelines.rotation import RotationError, rotate
from pipelines.settings import ConfigError, Settings, load_settings, mails_per_phone
from pipelines.sources.connection import Window
from pipelines.sources.contract import PLATFORM
from pipelines.sources.places import matching
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import KeyClass
from pipelines.sources.sieve import Sieve
from pipelines.store import Store, writer_lock

console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)

AGAIN = "mend that and call `engagement erase` without a subject to go on"


def erase(
    subject: Annotated[
        str | None,
        typer.Option(help="A pseudonym, or what it is made of: number, mail, phone, handle. With - it is asked for, unseen."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="employee, customer or social, where the subject may be more than one.")
    ] = None,
    scope: Annotated[str | None, typer.Option(help="The shop whose customer number, or platform whose handle, it is.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    readmit: Annotated[bool, typer.Option("--readmit", help="Let an erased person in again, with the next run.")] = False,
) -> None:
    """Take one person out of everything that is kept, for good; without --subject, end an erasure that was cut off."""
    settings = load_settings()
    config = settings.config()
    pseudonymiser = Pseudonymiser(settings.keys())
    store = Store(settings.home, settings.lake)
    if kind not in (None, *get_args(KeyClass)):
        raise ConfigError(f"--kind {kind!r} is none of {', '.join(get_args(KeyClass))}")
    if subject is None:
        if not renewal.is_due(settings.home):
            raise ConfigError("nothing was cut off; say whom to erase with --subject")
        _renew(settings)
        return
    if subject == "-":
        subject = typer.prompt("subject", hide_input=True)
    shops = sorted({path.stem for path in matching(store.landing, "ec/*/month=2*/*.parquet")} | set(config.connections))
    scopes = ([scope], [scope]) if scope else (shops, list(PLATFORM.enum))
    subjects = erasure.candidates(subject, _kind(kind), *scopes, pseudonymiser)
    if readmit:
        _readmit(settings, pseudonymiser, subjects)
        return
    with writer_lock(settings.home, console.print):
        store.prepare()
        known = erasure.people(store, mails_per_phone=mails_per_phone())
        found = erasure.find(subjects, known, tombstones.sieve(settings.home, pseudonymiser))
        marks = tuple(sorted(map(pseudonymiser.mark, found.pids)))
        swept = erasure.sweep(store, Sieve(marks, pseudonymiser), write=False)
        is_known = set(marks) <= {mark for one in tombstones.read(settings.home) for mark in one.marks}
    _show(found, swept, len(list_releases(settings.home)))
    if is_known and not (swept or renewal.is_due(settings.home)):
        console.print("this person is erased already")
        return
    if dry_run:
        console.print("nothing was changed")
        return
    if not (yes or typer.confirm("Erase this person for good?")):
        raise typer.Exit(1)
    tombstone = tombstones.Tombstone(date.today().isoformat(), marks)
    with writer_lock(settings.home, console.print):
        renewal.begin(settings.home)
        others = [one for one in tombstones.read(settings.home) if not set(one.marks) <= set(marks)]
        tombstones.write(settings.home, [*others, tombstone])
    _renew(settings)
    console.print("the person is erased here; backups, copies elsewhere and the dropped files are yours to clean", soft_wrap=True)


def rotate_keys(
    split_unknown: Annotated[
        bool, typer.Option("--split-unknown", help="Persons who stand in no dropped file any more become persons apart.")
    ] = False,
) -> None:
    """Change the keys of the pseudonyms: to the ones set, or to new random ones."""
    settings = load_settings()
    config = settings.config()
    with writer_lock(settings.home, console.print):
        pass  # ends a change that was cut off
    if renewal.is_due(settings.home):
        _renew(settings)
        console.print("what was cut off is done; to change the keys once more, call this again")
        return
    if settings.lake is not None:
        # All files have to change over at once, which is a rename of two folders of the home.
        raise RotationError(
            f"the landing zone lies in {settings.lake}; copy landing/ and quarantine/ from there into {settings.home}, unset "
            "ENGAGEMENT_LAKE, change the keys, and copy both back"
        )
    old, new = settings.changed_keys()
    is_kept = settings.key_employee is None
    rotated = rotate(
        settings.home,
        config.connections.values(),
        old,
        new,
        is_kept=is_kept,
        split_unknown=split_unknown,
        log=console.print,
        history=Window(config.company.first_day, date.today()),
        secrets=settings.secrets(),
    )
    if rotated.lost_marks:
        lost = f"{rotated.lost_marks} pseudonyms of erased persons stand in no file any more and are forgotten"
        console.print(f"[yellow]warning[/] {lost}; should such a file come back, erase the person again", soft_wrap=True)
    _renew(settings)
    console.print("the keys are changed; back them up, and take ENGAGEMENT_OLD_KEY_* out of the environment")


def _kind(text: str | None) -> KeyClass | None:
    return next((kind for kind in get_args(KeyClass) if kind == text), None)


def _renew(settings: Settings) -> None:
    """Take the erased out of everything, build and publish anew, let the old releases go; also what was cut off before."""
    from pipelines import night

    sieve = tombstones.sieve(settings.home, Pseudonymiser(settings.keys()))
    with writer_lock(settings.home, console.print):
        erasure.sweep(Store(settings.home, settings.lake), sieve)
        try:
            renewal.scrub(settings.home, lambda pid: renewal.BLANK if sieve.catches(pid) else pid)
        except sqlite3.OperationalError as error:
            raise PublishError(f"the run history is in use ({error}); {AGAIN}") from None
        renewal.drop_warehouse(settings.home)
    night.dagster_home(settings)
    from pipelines.definitions import defs

    outcome = night.run_rebuild(defs(), settings.home / "rebuild.log")
    if not outcome.success:
        why = [*outcome.failed, *(() if outcome.failed else dict.fromkeys(outcome.reasons))]
        raise PublishError("\n".join([*why, f"nothing was published, and the releases of before are still there; {AGAIN}"]))
    with writer_lock(settings.home, console.print):
        gone = renewal.end(settings.home)
    console.print(f"published anew; releases removed: {', '.join(gone) or 'none'}", soft_wrap=True)


def _show(found: erasure.Found, swept: list[erasure.Swept], releases: int) -> None:
    console.print(f"{found.what}: one person with {len(found.pids)} pseudonyms")
    table = RichTable("table", "rows", "blanked cells", "held-back rows")
    for one in swept:
        table.add_row(one.table, f"{one.rows:,}", f"{one.blanked:,}", f"{one.held_back:,}")
    console.print(table)
    console.print(f"releases to be removed once a new one is published: {releases}")


def _readmit(settings: Settings, pseudonymiser: Pseudonymiser, subjects: dict[str, str]) -> None:
    marks = {pseudonymiser.mark(pid) for pid in subjects}
    with writer_lock(settings.home, console.print):
        before = tombstones.read(settings.home)
        after = [one for one in before if not marks & set(one.marks)]
        if len(after) == len(before):
            raise erasure.ErasureError("this person is not among the erased; nothing was changed")
        tombstones.write(settings.home, after)
    console.print("the next `engagement run` lands again what the dropped files hold of this person")
