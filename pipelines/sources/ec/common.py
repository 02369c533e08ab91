"""What the kinds of shop share: arithmetic that carries unreadable cells along, tax, and the rows that follow from an order.

A `Bad` cell in any input makes the outcome `Bad`, a blank one makes it blank: no amount is ever computed from a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from operator import add
from typing import Any, ClassVar, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pipelines.sources.cells import each, factorized
from pipelines.sources.connection import Bad, Connection, FileConnection, Frame, Person, Sheet
from pipelines.sources.layouts import local_day
from pipelines.sources.pseudonym import normalise

Cells: TypeAlias = "pd.Series[Any]"
Groups: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Rounding = Literal["round", "floor", "ceil"]

ZERO: Any = Decimal(0)
ONE: Any = Decimal(1)
ROUNDING = {"round": ROUND_HALF_UP, "floor": ROUND_FLOOR, "ceil": ROUND_CEILING}
UNDONE = {"cancelled": "cancel", "returned": "return"}  # an order in this status has been undone as a whole
_OF_THE_ORDER = ("order_id", "customer_pid", "mail_pid", "phone_pid", "currency", "updated_at")
_WITHOUT_MINOR_UNIT = frozenset({"JPY", "KRW", "VND", "CLP", "ISK"})


class Shop(Connection):
    """What the kinds of shop have in common: whose orders are no sales.

    `staff` lists mail addresses, whole domains (`@example.co.jp`) and customer numbers of those who order for the company itself:
    staff, testers, the shop's own till. Their orders land as tests, which no figure counts.
    """

    source: ClassVar[str] = "ec"

    staff: tuple[str, ...] = ()

    def of_staff(self, mails: Cells, numbers: Cells | None = None) -> Cells:
        """Whether each order is one of the staff's; `mails` and `numbers` are the order's `Person` cells."""
        if not self.staff:
            return fill(False, mails.index)
        listed = {normalise(Person("customer", "mail", entry)) for entry in self.staff}
        ids = {normalise(Person("customer", "id", entry)) for entry in self.staff}

        def is_listed(mail: object, number: object) -> bool:
            address = normalise(mail) if isinstance(mail, Person) else ""
            own = normalise(number) if isinstance(number, Person) else ""
            return address in listed or f"@{address.rpartition('@')[2]}" in listed or own in ids

        found = [is_listed(mail, number) for mail, number in zip(mails, mails if numbers is None else numbers, strict=True)]
        return pd.Series(found, index=mails.index, dtype=object)


class ShopFile(Shop, FileConnection):
    """A shop whose exports are dropped into a folder."""

    def read_blocks(self, sheets: Iterable[Sheet]) -> Iterator[Frame]:
        """As `read` gives them, but the products after all else, once for the whole file."""
        named: pd.DataFrame | None = None
        for found in super().read_blocks(sheets):
            if found.table != "products":
                yield found
            else:
                named = found.rows if named is None else _newest_names(pd.concat([named, found.rows]))
        if named is not None:
            yield Frame("products", named)


def column(rows: pd.DataFrame, name: str | None) -> Cells:
    """The sheet's column, or a blank one where the export leaves it out."""
    if name is not None and name in rows.columns:
        return rows[name]
    return pd.Series("", index=rows.index, dtype="str", name=name or "")


def fill(value: object, index: pd.Index[Any]) -> Cells:
    """`value` in every row."""
    return pd.Series([value] * len(index), index=index, dtype=object)


def combine(compute: Callable[..., Any], *columns: Cells) -> Cells:
    """`compute` over the columns as object arrays, in the rows where all of them hold a value; row by row, equal rows once."""
    rows, place = _distinct_rows(columns)
    arrays = [values.to_numpy(dtype=object)[rows] for values in columns]
    result = np.full(len(rows), None, dtype=object)
    readable = np.ones(len(result), dtype=bool)
    for array in arrays:
        bad = np.fromiter((isinstance(value, Bad) for value in array), dtype=bool, count=len(array))
        result[bad] = array[bad]
        readable &= ~bad & ~pd.isna(array)
    if readable.any():
        result[readable] = compute(*(array[readable] for array in arrays))
    return pd.Series(result[place], index=columns[0].index, name=columns[0].name, dtype=object)


def _distinct_rows(columns: Sequence[Cells]) -> tuple[Groups, Groups]:
    """One row of each combination of values, and for every row the place of its own among them."""
    place = np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:
        codes, distinct = factorized(values)
        place, _ = pd.factorize(place * (len(distinct) + 1) + codes)
    return first_rows(place), place


def known(values: Cells, default: object) -> Cells:
    """The values with `default` where blank; `Bad` stays."""
    return values.astype(object).where(values.notna(), default)


def decimals(values: Cells) -> Cells:
    """Floats as the exact decimals they were written as."""
    return each(values, lambda value: Decimal(repr(value)))


def latest(*columns: Cells) -> Cells:
    """The newest of several instants, row by row; blanks do not count."""
    rows = zip(*(values.to_numpy(dtype=object) for values in columns), strict=True)
    return pd.Series([_newest(row) for row in rows], index=columns[0].index, dtype=object)


def _newest(row: Sequence[Any]) -> object:
    bad = next((value for value in row if isinstance(value, Bad)), None)
    return bad or max((value for value in row if not pd.isna(value)), default=None)


def days(moments: Cells, zone: ZoneInfo) -> Cells:
    """The day of each instant in `zone`."""
    made = local_day(moments, zone)
    is_bad = [isinstance(moment, Bad) for moment in moments]
    return made.where(~np.array(is_bad, dtype=bool), moments) if any(is_bad) else made


def persons(values: Cells, kind: Literal["mail", "phone", "id"], scope: str = "") -> Cells:
    """Customers' identifiers, ready to be hashed; blank is None (a guest)."""
    return each(values, lambda value: Person("customer", kind, value, scope))


def group(keys: Cells) -> Groups:
    """The number of each row's order, counted in order of appearance."""
    return pd.factorize(keys, use_na_sentinel=False)[0]


def first_rows(groups: Groups) -> Groups:
    """The position of the first row of each group, in the order of the groups' numbers."""
    first = np.full(int(groups.max()) + 1 if len(groups) else 0, -1, dtype=np.int64)
    first[groups[::-1]] = np.arange(len(groups))[::-1]
    return first[first >= 0]


def occurrence(keys: Cells) -> Cells:
    """1 for the first row of a key, 2 for its second ..., as text."""
    numbers = pd.Series(group(keys), index=keys.index).groupby(group(keys)).cumcount() + 1
    return numbers.astype(str).astype(object)


def fold(values: Cells, groups: Groups, count: int, join: Callable[[Any, Any], Any] = add) -> list[Any]:
    """One value per group: its values joined (by default summed); `Bad` when one of them is, None when all are blank."""
    array = values.to_numpy(dtype=object)
    result = np.full(count, None, dtype=object)
    is_first = np.zeros(len(array), dtype=bool)
    is_first[first_rows(groups)] = True
    result[groups[is_first]] = array[is_first]
    for number, value in zip(groups[~is_first].tolist(), array[~is_first], strict=True):
        held = result[number]
        if held is None or isinstance(value, Bad):
            result[number] = value
        elif not (isinstance(held, Bad) or pd.isna(value)):
            result[number] = join(held, value)
    return result.tolist()


def step(currency: object) -> Decimal:
    """The smallest amount of a currency that is paid."""
    return Decimal(1) if currency in _WITHOUT_MINOR_UNIT else Decimal("0.01")


def rounded(amounts: Any, steps: Any, rounding: Rounding = "round") -> Any:
    """Amounts rounded to their currency's step, as an object array."""
    result = np.empty(len(amounts), dtype=object)
    result[:] = [amount.quantize(unit, ROUNDING[rounding]) for amount, unit in zip(amounts, steps, strict=True)]
    return result


def apportion(totals: Mapping[Any, Decimal], weights: Cells, keys: Sequence[Any], steps: Any) -> Any:
    """Each key's total spread over its rows by weight; what rounding leaves over goes to the row of the largest weight."""
    wanted = np.empty(len(keys), dtype=object)
    wanted[:] = keys
    groups, distinct = pd.factorize(wanted)
    weight = weights.to_numpy(dtype=object)
    sums = np.array([value or ZERO for value in fold(weights, groups, len(distinct))], dtype=object)
    total = np.array([totals.get(key, ZERO) for key in distinct], dtype=object)
    divisor = np.where(sums == 0, ONE, sums)
    shares = rounded(np.where(sums[groups] == 0, ZERO, total[groups] * weight / divisor[groups]), steps)
    left = total - np.array(fold(pd.Series(shares, dtype=object), groups, len(distinct)), dtype=object)
    largest = pd.Series(np.abs(weight.astype(float))).groupby(groups).idxmax().to_numpy()
    shares[largest] += left
    return shares


def undone_orders(
    orders: pd.DataFrame,
    lines: pd.DataFrame,
    groups: Groups,
    adjusted_at: Cells,
    zone: ZoneInfo,
    kinds: Mapping[str, str] = UNDONE,
) -> pd.DataFrame:
    """One adjustment for each order whose status is in `kinds`: all its lines, shipping and points too, taken back.

    `groups` holds for each line the position of its order.
    """
    types = np.array([kinds.get(status) if isinstance(status, str) else None for status in orders["status"]], dtype=object)
    undone = np.flatnonzero(types)
    place = np.full(len(orders), -1)
    place[undone] = np.arange(len(undone))
    groups = place[groups]
    lines, groups = lines[groups >= 0], groups[groups >= 0]
    orders, adjusted_at = orders.iloc[undone], adjusted_at.iloc[undone]
    adjustments = pd.DataFrame({name: orders[name] for name in _OF_THE_ORDER if name in orders})
    adjustments["type"] = pd.Series(types[undone], index=orders.index, dtype=object)
    is_item = pd.Series(lines["line_type"].to_numpy() == "item", index=lines.index)
    pieces = lines["quantity"].where(is_item, None)
    for name, values in (("amount", lines["amount"]), ("tax_amount", lines["tax_amount"]), ("quantity", pieces)):
        sums = pd.Series(fold(values, groups, len(orders)), index=orders.index, dtype=object)
        adjustments[name] = each(sums, lambda value: -value)
    adjustments["adjusted_at"] = adjusted_at
    adjustments["business_date"] = days(adjusted_at, zone)
    adjustments["adjustment_id"] = combine(lambda order, kind: order + "-" + kind, adjustments["order_id"], adjustments["type"])
    return adjustments


def products(lines: pd.DataFrame) -> Frame:
    """One row per SKU, as its newest line names it."""
    lines = lines[["line_type", "sku", "product_name", "updated_at", "business_date"]]
    is_named = [
        kind == "item" and isinstance(sku, str) and moment is not None and not isinstance(moment, Bad)
        for kind, sku, moment in zip(lines["line_type"], lines["sku"], lines["updated_at"], strict=True)
    ]
    items = lines[np.array(is_named, dtype=bool)]
    named = _newest_names(items).rename(columns={"product_name": "name"})
    return frame("products", named[["sku", "name", "updated_at", "business_date"]])


def _newest_names(rows: pd.DataFrame) -> pd.DataFrame:
    in_order = rows.sort_index(kind="stable").sort_values("updated_at", kind="stable")
    return in_order.drop_duplicates("sku", keep="last").sort_index(kind="stable")


def frame(table: str, rows: pd.DataFrame) -> Frame:
    """The rows as a frame whose empty cells are None, whatever pandas has made of them."""
    objects = rows.astype(object)
    return Frame(table, objects.where(objects.notna(), None))
