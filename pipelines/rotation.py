"""Changes the keys of the pseudonyms: every landed pseudonym becomes the one that the new keys give.

Pseudonyms cannot be turned back, so the dropped files are read once more: each person in them gives an old and a new pseudonym.
Data flow: files -> old to new -> a copy of landing zone and quarantine in <home>/rotation -> the file `ready` -> `store.settle`
puts all of it in place. Until `ready` is there a failure leaves everything as it was; afterwards whoever writes next ends it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import renewal, tombstones
from pipelines.settings import FINGERPRINTS, KEPT_KEYS, kept_text
from pipelines.sources.connection import Connection, Person, SourceError, Window
from pipelines.sources.contract import TABLES
from pipelines.sources.contract import table as contract_table
from pipelines.sources.credentials import Secrets
from pipelines.sources.places import Place, matching
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Means, Pulled, parts
from pipelines.sources.schema import KeyClass
from pipelines.sources.sieve import PID
from pipelines.store import Store, private, read_file, settle, write_file, write_private, writer_lock

# What moves into the home, in this order.
MOVES = ("landing", "quarantine", tombstones.FILE, KEPT_KEYS, FINGERPRINTS, renewal.FILE)

Log = Callable[[str], None]
Keys = Mapping[KeyClass, bytes]


class RotationError(Exception):
    """The keys cannot be changed; everything is as it was."""


@dataclass(frozen=True)
class Rotated:
    """What a change of keys did: pseudonyms in the home, of them those whose persons stand in no file, and tombstones lost."""

    pseudonyms: int
    unknown: int
    lost_marks: int


def rotate(
    home: Path,
    connections: Collection[Connection],
    old_keys: Keys,
    keys: Keys,
    *,
    is_kept: bool,
    split_unknown: bool,
    log: Log,
    history: Window | None = None,
    secrets: Secrets | None = None,
) -> Rotated:
    """Give every pseudonym in `home` the form that `keys` give it. With `is_kept` the keys are kept beside the data.

    Of live connections all days of `history` are read, with `secrets`.

    Raises RotationError, with nothing changed, when a file cannot be read, or when persons who have landed stand in no file any
    more and `split_unknown` is false; with it they get a new pseudonym that no later row of theirs will have.
    """
    old, new = Pseudonymiser(old_keys), Pseudonymiser(keys)
    store, changed = Store(home), {name for name in keys if keys[name] != old_keys[name]}
    with writer_lock(home, log):
        means = Means(secrets or Secrets(), tell=log)
        known: dict[str, str] = {}
        for connection in connections:
            known |= _renewed(connection, history, means, old, new)
            log(f"{connection.name}: read")
        landed = _landed(store)
        same = {pid for class_, pids in landed.items() if class_ != "any" and class_ not in changed for pid in pids}
        everybody = set().union(*landed.values())
        unknown = everybody - set(known) - same
        if unknown and not split_unknown:
            raise RotationError(
                f"{len(unknown)} of {len(everybody)} pseudonyms belong to persons who stand in no dropped file any more, so what "
                "they become is not known; put the files back, or let each of them become a person apart with --split-unknown"
            )
        renewed = {pid: known.get(pid, pid if pid in same else new.renewed(pid)) for pid in everybody}
        if len(set(renewed.values())) < len(renewed):
            raise RotationError("two persons would become one; report this")
        log(f"{len(renewed):,} pseudonyms renewed, {len(unknown):,} of them of persons who stand in no file")
        rotation = private(home / "rotation")
        for root in (store.landing, store.quarantine):
            for file in matching(root, "*/*/month=*/*.parquet"):
                _rekey(file, private(rotation / root.name).joinpath(*file.parts[-4:]), renewed)
        lost = _prepare(home, rotation, known, old, new, keys if is_kept else None)
        try:
            renewal.scrub(home, lambda pid: renewed.get(pid, known.get(pid, pid)))
        except sqlite3.OperationalError as error:
            raise RotationError(f"the run history is in use ({error}); stop `engagement dev` and try again") from None
        write_private(rotation / "ready", "\n".join(MOVES))
        settle(home)
    return Rotated(len(renewed), len(unknown), lost)


def _renewed(
    connection: Connection, history: Window | None, means: Means, old: Pseudonymiser, new: Pseudonymiser
) -> dict[str, str]:
    """Old pseudonym -> new one, for every person in the source."""
    known: dict[str, str] = {}
    try:
        for part in parts(connection, Pulled(connection), history, means):
            rows = part.frame.rows
            for column in contract_table(connection.source, part.frame.table).columns:
                if column.personal and column.name in rows.columns:
                    persons = {cell for cell in rows[column.name].tolist() if isinstance(cell, Person)}
                    pairs = ((old.pid(person), new.pid(person)) for person in persons)
                    known.update((one, other) for one, other in pairs if one and other)
    except SourceError as error:
        raise RotationError(f"{connection.name}: {error}") from error
    return known


def _landed(store: Store) -> dict[str, set[str]]:
    """The pseudonyms of the landing zone and the quarantine, by class of key; `any` where the row alone knows it."""
    landed: dict[str, set[str]] = {"any": set()}
    for table in TABLES:
        for root in (store.landing, store.quarantine):
            for file in store.month_files(root, table):
                rows, _ = read_file(file)
                for column in table.columns:
                    if column.personal:
                        values = (
                            _held(rows, column.name) if root == store.quarantine else pc.unique(rows[column.name]).to_pylist()
                        )
                        landed.setdefault(column.personal, set()).update(v for v in values if v and PID.fullmatch(v))
    return landed


def _held(rows: pa.Table, name: str) -> set[str | None]:
    return {json.loads(text).get(name) for text in rows["row_json"].to_pylist()}


def _rekey(file: Place, to: Path, renewed: Mapping[str, str]) -> None:
    """Write a month file anew with every pseudonym renewed, wherever in a text it stands; sorted again, since keys changed."""
    rows, manifest = read_file(file)
    for position, field in enumerate(rows.schema):
        if pa.types.is_string(field.type) and rows.num_rows:
            texts = pc.unique(rows[field.name]).to_pylist()
            made = {text: PID.sub(lambda match: renewed.get(match[0], match[0]), text) for text in texts if text is not None}
            if any(text != other for text, other in made.items()):
                values = pa.array([None if text is None else made[text] for text in rows[field.name].to_pylist()], pa.string())
                rows = rows.set_column(position, field, values)
    key = _sort_key(file)
    if rows.num_rows and key:
        rows = rows.sort_by([("change_date", "ascending"), *((name, "ascending") for name in key if name != "change_date")])
    write_file(to, rows, manifest)


def _sort_key(file: Place) -> tuple[str, ...]:
    source, name = file.parts[-4:-2]
    if file.parts[-5] == "quarantine":
        return ("key", "rule", "reason", "row_json")
    return contract_table(source, name).key


def _prepare(
    home: Path, rotation: Path, known: Mapping[str, str], old: Pseudonymiser, new: Pseudonymiser, kept: Keys | None
) -> int:
    """Write all small files of the home as they are to be; how many marks of erased persons could not be carried over."""
    marks = {old.mark(pid): new.mark(renewed) for pid, renewed in known.items()}
    before = tombstones.read(home)
    after = [tombstones.Tombstone(one.erased_on, tuple(marks[mark] for mark in one.marks if mark in marks)) for one in before]
    tombstones.write(rotation, after)
    if kept is not None:
        write_private(rotation / KEPT_KEYS, kept_text(kept))
    write_private(rotation / FINGERPRINTS, json.dumps(new.fingerprints()))
    write_private(rotation / renewal.FILE, renewal.note(home))
    return sum(len(one.marks) for one in before) - sum(len(one.marks) for one in after)
