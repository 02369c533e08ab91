"""Who was erased: <home>/erased.json. It holds marks (see `Pseudonymiser.mark`), neither persons nor pseudonyms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.sieve import Sieve
from pipelines.store import write_private

FILE = "erased.json"


@dataclass(frozen=True)
class Tombstone:
    """One erased person: the day of the erasure (ISO) and a mark for each of their pseudonyms."""

    erased_on: str
    marks: tuple[str, ...]


def read(home: Path) -> list[Tombstone]:
    """All tombstones, oldest first."""
    file = home / FILE
    entries = json.loads(file.read_text()) if file.exists() else []
    return [Tombstone(entry["erased_on"], tuple(entry["marks"])) for entry in entries]


def write(home: Path, tombstones: Sequence[Tombstone]) -> None:
    """Replace the list, atomically and for the owner alone."""
    write_private(home / FILE, json.dumps([asdict(tombstone) for tombstone in tombstones], indent=1) + "\n")


def sieve(home: Path, pseudonymiser: Pseudonymiser) -> Sieve:
    """The sieve for everybody erased so far."""
    return Sieve([mark for tombstone in read(home) for mark in tombstone.marks], pseudonymiser)
