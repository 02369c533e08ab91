"""Leaves out what is an erased person's, in every pull and in what has landed.

What is remembered of a person is a mark (`Pseudonymiser.mark`) for each of their pseudonyms, not the pseudonym.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.pseudonym import KNOWN, PID_LENGTH, Pseudonymiser
from pipelines.sources.schema import Table

PID = re.compile(rf"(?<![0-9A-Za-z])[0-9a-f]{{{PID_LENGTH}}}(?![0-9A-Za-z])")

# Columns that may name somebody else than the person of the row: a manager, a phone of the family, a handle anybody may declare.
OTHERS = frozenset({"manager_pid", "phone_pid", "social_pid"})


class Verdict(NamedTuple):
    """Of some rows: which go (a mask), and in which of the others a column is blanked (masks by column)."""

    gone: pa.Array
    blanked: dict[str, pa.Array]

    @property
    def is_none(self) -> bool:
        """No row is touched."""
        return not (pc.any(self.gone).as_py() or self.blanked)


class Sieve:
    """Knows whom to leave out."""

    def __init__(self, marks: Collection[str], pseudonymiser: Pseudonymiser) -> None:
        self._marks = frozenset(marks)
        self._known = lru_cache(KNOWN)(lambda pid: pseudonymiser.mark(pid) in self._marks)

    @property
    def is_open(self) -> bool:
        """Nobody is erased: everything passes."""
        return not self._marks

    def catches(self, pid: str) -> bool:
        """Whether the pseudonym is an erased person's."""
        return self._known(pid)

    def judge(self, table: Table, rows: pa.Table, documents: set[str]) -> Verdict:
        """Which `rows` of `table` go; those of one document and day go together.

        A row goes when its own person is erased. Where only one of OTHERS is, that column is blanked; a row that names nobody
        else goes. `documents` holds the keys of the documents that go, and is added to: give orders before their lines.
        """
        none = pa.array([False] * rows.num_rows, pa.bool_())
        gone, others, is_named, hits = none, none, none, dict[str, pa.Array]()
        for column in table.columns:
            if not column.personal or column.name not in rows.schema.names:
                continue
            caught = self._caught(rows[column.name])
            if column.name in OTHERS:
                hits[column.name] = caught
                others = pc.or_(others, caught)
            else:
                gone = pc.or_(gone, caught)
                is_named = pc.or_(is_named, pc.is_valid(_flat(rows[column.name])))
        gone = pc.or_(gone, pc.and_not(others, is_named))
        if table.document:
            keys = _document_keys(table.document, rows)
            documents.update(keys.filter(gone).drop_null().to_pylist())
            if documents:
                gone = pc.or_(gone, pc.is_in(keys, pa.array(sorted(documents), pa.string())))
        blanked = {name: pc.and_not(caught, gone) for name, caught in hits.items()}
        return Verdict(gone, {name: mask for name, mask in blanked.items() if pc.any(mask).as_py()})

    def sift(self, table: Table, rows: pa.Table, documents: set[str]) -> pa.Table:
        """The rows that stay, see `judge`."""
        return rows if self.is_open or not rows.num_rows else apply(self.judge(table, rows, documents), rows)

    def _caught(self, values: pa.ChunkedArray) -> pa.Array:
        caught = [pid for pid in pc.unique(values).to_pylist() if pid is not None and self.catches(pid)]
        return pc.is_in(_flat(values), pa.array(caught, pa.string()))


def apply(verdict: Verdict, rows: pa.Table) -> pa.Table:
    """The rows that stay, with what is to be blanked blank."""
    for name, mask in verdict.blanked.items():
        position = rows.schema.get_field_index(name)
        rows = rows.set_column(position, rows.schema.field(name), pc.if_else(mask, None, _flat(rows[name])))
    return rows.filter(pc.invert(verdict.gone))


def _document_keys(document: str, rows: pa.Table) -> pa.Array:
    days = pc.fill_null(_flat(rows["change_date"]).cast(pa.string()), "no day")
    return pc.binary_join_element_wise(days, _flat(rows[document]), "/")


def _flat(values: pa.ChunkedArray) -> pa.Array:
    flat = values.combine_chunks()
    return flat if isinstance(flat, pa.Array) else pa.concat_arrays(flat.chunks)
