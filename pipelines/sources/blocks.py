"""Long files block by block: each block holds whole documents, so that a kind reads it as it would a file.

Data flow: a file's rows, some ten thousand at a time -> `whole`, or `in_blocks` by what a connection says of its rows -> the
rows of one `Sheet` after the other. Rows whose document goes on further down wait for its end. A file of one block is read once,
a longer one of scattered documents twice: first to learn where each ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sources.connection import FileConnection

Blocks: TypeAlias = Callable[[], Iterator[pd.DataFrame]]  # reads the file from its beginning, at each call; one block at least
Cut: TypeAlias = Callable[[Blocks], Iterator[pd.DataFrame]]
_Hashes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"
AT_ONCE = 4_000_000  # hashes in memory
_BEYOND = np.uint64(2**64 - 1)  # no search ends behind it


def whole(blocks: Blocks) -> Iterator[pd.DataFrame]:
    """The file as one block."""
    yield _joined([*blocks()])


def in_blocks(connection: FileConnection, blocks: Blocks) -> Iterator[pd.DataFrame]:
    """The file in blocks of whole documents, or as one where the connection's kind knows of none."""
    rows = blocks()
    first, second = next(rows), next(rows, None)
    if second is None:
        yield first
    elif connection.rows_stand_alone:
        yield from chain([first, second], rows)
    elif connection.documents(first) is None:
        yield _joined([first, second, *rows])
    elif connection.documents_are_runs:
        yield from _runs(connection, chain([first, second], rows))
    else:
        del first, second, rows
        yield from _scattered(connection, blocks)


def _runs(connection: FileConnection, blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    held: list[pd.DataFrame] = []
    for block in blocks:
        rows = _joined([*held, block])
        names = _documents(connection, rows)
        names = names.where(names != "").ffill()
        last = int(np.flatnonzero((names != names.shift()).to_numpy())[-1])
        if last:
            yield rows.iloc[:last]
        held = [rows.iloc[last:]]
    yield from held


def _scattered(connection: FileConnection, blocks: Blocks) -> Iterator[pd.DataFrame]:
    again, last = _ends(_hashes(_documents(connection, block)) for block in blocks())
    held: list[pd.DataFrame] = []
    for number, block in enumerate(blocks()):
        rows = _joined([*held, block])
        hashes = _hashes(_documents(connection, rows))
        place = np.searchsorted(again, hashes)
        waits = (again[place] == hashes) & (last[place] > number)
        if not waits.all():
            yield rows[~waits]
        held = [rows[waits]]


def _ends(hashes: Iterable[_Hashes]) -> tuple[_Hashes, Any]:
    """The documents that lie in more than one block, sorted, and the number of the last block of each; then one beyond all.

    The hashes of all documents lie in a file meanwhile, and some millions of them are looked at together.
    """
    with TemporaryFile() as file:
        counts = []
        for of_block in hashes:
            distinct = np.unique(of_block)
            file.write(distinct.tobytes())
            counts.append(len(distinct))

        def runs() -> Iterator[_Hashes]:
            file.seek(0)
            return (np.fromfile(file, dtype=np.uint64, count=count) for count in counts)

        parts = 1 + sum(counts) // AT_ONCE
        edges = [np.uint64(part * 2**64 // parts) for part in range(parts)]
        found = [_repeated(runs(), low, high) for low, high in zip(edges, [*edges[1:], _BEYOND], strict=True)]
        again = np.append(np.concatenate(found), _BEYOND)
        last = np.zeros(len(again), dtype=np.int64)
        for number, run in enumerate(runs()):
            place = np.searchsorted(again, run)
            last[place[again[place] == run]] = number
    return again, last


def _repeated(runs: Iterable[_Hashes], low: np.uint64, high: np.uint64) -> _Hashes:
    """The hashes from `low` to below `high` that occur in more than one of the sorted runs, sorted."""
    every = np.concatenate([run[np.searchsorted(run, low) : np.searchsorted(run, high)] for run in runs])
    every.sort()
    return np.unique(every[1:][every[1:] == every[:-1]])


def _hashes(names: pd.Series[Any]) -> _Hashes:
    """64 bits for each document: should two ever share them, they only wait for each other."""
    hashed: _Hashes = pd.util.hash_array(names.to_numpy(dtype=object))
    return hashed


def _documents(connection: FileConnection, rows: pd.DataFrame) -> pd.Series[Any]:
    names = connection.documents(rows)
    if names is None:
        raise TypeError(f"{connection.kind} names the documents of one block and not of the next")
    return names


def _joined(blocks: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [block for block in blocks if len(block)] or blocks[:1]
    joined = pd.concat(filled) if len(filled) > 1 else filled[0]
    joined.attrs = blocks[0].attrs
    return joined
