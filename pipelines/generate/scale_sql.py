"""What the SQL of a landing zone of any size is made of: numbers that look random and follow from a record's own number."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

_STEPS = 2_147_483_647  # prime, so that no divisor of a record's number shows in its share


class Relation(NamedTuple):
    """One landing table as a query: `change_date` and those of the contract's columns that are not empty or the same for all."""

    table: tuple[str, str]
    connection: str
    query: str


def drawn(name: str, *of: str) -> str:
    """SQL: a number from 0 up to, but without, 1, drawn once for each value of the expressions `of` and for this `name`.

    Draws of two names are independent of each other. The seed is the SQL variable `seed`.
    """
    parts = ", ".join(f"({expression})::bigint" for expression in of)
    return f"((hash({crc32(name.encode())}::bigint, getvariable('seed'), {parts}) % {_STEPS}) / {_STEPS}.0)"


def instant(day: str, seconds: str) -> str:
    """SQL: the instant `seconds` after midnight of a day in Japan, as a timestamp that reads as UTC."""
    return f"(({day})::timestamp - interval 9 hours + to_seconds(({seconds})::bigint))"
