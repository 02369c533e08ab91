"""The size of a landing zone, and what its SQL is made of: numbers that look random and follow from a record's own number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

from pipelines.generate.shops import demand
from pipelines.settings import KEY_CLASSES
from pipelines.sources.schema import KeyClass

DAYS = 730
AHEAD = 400  # days after the history for which `drop` can write files
LEAST = 1_000  # order lines: below that no day has a row of each kind
LINES_PER_ORDER = 2.5
ORDERS_PER_CUSTOMER = 8
_STEPS = 2_147_483_647  # prime, so that no divisor of a record's number shows in its share


@dataclass(frozen=True)
class Scale:
    """What is made: about `lines` order lines in two years, of which the first `days` days have landed."""

    lines: int
    seed: int = 1
    days: int = DAYS
    start: date = date(2024, 10, 1)

    def __post_init__(self) -> None:
        if self.lines < LEAST or not 1 <= self.days <= DAYS:
            raise ValueError(f"a scale is at least {LEAST} order lines and 1 to {DAYS} days, not {self.lines} and {self.days}")

    @property
    def last(self) -> date:
        """The last day that has landed."""
        return self.day(self.days - 1)

    @property
    def share(self) -> float:
        """Size relative to 10,000,000 order lines."""
        return self.lines / 10_000_000

    def day(self, number: int) -> date:
        """The day `number` days after the first."""
        return self.start + timedelta(days=number)

    @cached_property
    def first_orders(self) -> list[int]:
        """The number of the first order of each day; the days go on after the history."""
        season = [demand(self.day(number)) for number in range(DAYS + AHEAD)]
        orders = self.lines / LINES_PER_ORDER / sum(season[:DAYS])
        return [0, *(round(orders * so_far) for so_far in accumulate(season))]

    @property
    def customers(self) -> int:
        """Customers, those of the days after the history included."""
        return -(-self.first_orders[-1] // ORDERS_PER_CUSTOMER)

    def keys(self) -> dict[KeyClass, bytes]:
        """Pseudonym keys that anybody can work out: nobody here is real, and the same seed is to give the same bytes."""
        return {name: hashlib.sha256(f"{self.seed}/{name}".encode()).hexdigest().encode() for name in KEY_CLASSES}


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
