"""Columns all of whose cells are written in the plainest way, read at once by Arrow.

Each function takes the distinct texts of a column and gives what their reader in `cells.py` makes of them, blank as None; or None
when a single one is not plain, and the reader then takes them one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Quick: TypeAlias = Callable[[pa.Array], Any]

BLANKS = " \t\r\n\f\v\u00a0\u3000\u200b\ufeff"
SCIENTIFIC = re.compile(r"[-+]?\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
ERRORS = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|#+)")

# Until 1900 clocks went by the sun of their own place, and two libraries need not agree on it. After LAST Arrow knows no summers.
LAST = 2037
_DAY = r"(?:19\d\d|20[0-2]\d|203[0-7])(?:-\d\d-|/\d\d/)\d\d"
_CLOCK = r"[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_OFFSET = r" ?[-+](?:0\d|1[0-4]):?[0-5]\d"


def texts(cells: pa.Array) -> Any:
    """Text without blanks around it."""
    return None if _any_match(cells, f"^[{BLANKS}]|[{BLANKS}]$") else _blank_as_none(cells)


def identifiers(cells: pa.Array) -> Any:
    """ASCII without blanks around it, and nothing a spreadsheet has spoilt."""
    is_plain = _all_match(cells, "[!-~]|[!-~][ -~]*[!-~]")
    return _blank_as_none(cells) if is_plain and not _any_match(cells, f"^(?i:{SCIENTIFIC.pattern}|{ERRORS.pattern})$") else None


def numbers(cells: pa.Array, convert: Callable[[str], object], pattern: str = r"-?\d{1,14}(?:\.\d{1,9})?") -> Any:
    """Digits with a sign and a point at most, each given to `convert`."""
    return objects([convert(raw) if raw else None for raw in cells.to_pylist()]) if _all_match(cells, pattern) else None


def times(cells: pa.Array, zone: ZoneInfo) -> Any:
    """ISO days and times (slashes will do), all of `zone` or all with an offset, as datetime in UTC."""
    is_local = _all_match(cells, f"{_DAY}(?:{_CLOCK})?")
    if not is_local and not _all_match(cells, f"{_DAY}{_CLOCK}{_OFFSET}"):
        return None
    written = pc.replace_substring(pc.if_else(pc.equal(cells, ""), None, cells), "/", "-")
    try:
        if is_local:
            moments = pc.assume_timezone(written.cast(pa.timestamp("us")), zone.key)
        else:
            moments = pc.replace_substring_regex(written, " ?([-+])", r"\1").cast(pa.timestamp("us", tz="UTC"))
    except pa.ArrowInvalid:  # no such day or time, or an hour that occurs twice or never
        return None
    made = pd.DatetimeIndex(moments.to_numpy(zero_copy_only=False)).tz_localize(UTC).to_pydatetime()
    made[pc.is_null(written).to_numpy(zero_copy_only=False)] = None
    return made


def objects(values: list[Any]) -> Any:
    """The values as an object array, whatever they are."""
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _all_match(cells: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(cells, f"^(?:{pattern})?$")).as_py() is not False


def _any_match(cells: pa.Array, pattern: str) -> bool:
    return pc.any(pc.match_substring_regex(cells, pattern)).as_py() is True


def _blank_as_none(cells: pa.Array) -> Any:
    return pc.if_else(pc.equal(cells, ""), None, cells).to_numpy(zero_copy_only=False)
