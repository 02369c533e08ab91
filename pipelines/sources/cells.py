"""Text cells to Python values: the one place where numbers, days and Japanese writing are understood.

Data flow: a text column of a `Sheet` -> a function of this module -> an object column: values, None (blank), `Bad` (unreadable).

Every function takes a Series of str whose name is the source's column, parses each distinct string once and keeps the index; a
column that is plain throughout is read by `quick.py`.
Understood everywhere: full-width characters (NFKC), blanks of any width. In numbers: thousands commas, currency marks, 千円/万円,
`-`, △, ▲ or brackets for negatives. In days: 2024-01-31, 2024/1/31, 2024.1.31, 20240131, 2024年1月31日, 令和6年1月31日,
令和元年5月1日, R6.1.31, an optional weekday in brackets; in times: 23:59, 23:59:59.5, 23時59分, 午前/午後/AM/PM, and the offsets
`Z`, `+0900`, `GMT+9`, `JST`. An era's years go on after its end (平成32年 is 2020), as forms written before the change have them.
What could mean two days (1/2/2024) is refused unless a format is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.arrays import ArrowStringArray

from pipelines.sources import quick
from pipelines.sources.connection import Bad

EXCEL = "excel"  # a `fmt`: days are the serial numbers of a spreadsheet (45322 = 2024-01-31)

_DAMAGE = "spreadsheet damage: digits are lost in scientific notation; export the column as text"

_MARKS: Mapping[str, frozenset[str]] = {
    "¥": frozenset({"JPY", "CNY"}),
    "円": frozenset({"JPY"}),
    "$": frozenset({"USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD"}),
    "£": frozenset({"GBP"}),
    "€": frozenset({"EUR"}),
}
_UNITS = {"千円": 1_000, "万円": 10_000, "百万円": 1_000_000, "億円": 100_000_000}
_NUMBER = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[-+△▲])?\s*(?P<mark>[¥$£€])?\s*(?P<sign2>[-+△▲])?\s*"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)"
    r"\s*(?P<unit>円|千円|万円|百万円|億円|%)?\s*(?P<close>\))?"
)
_NEGATIVE = frozenset("-△▲")

_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867}
_ERAS |= {"R": 2018, "H": 1988, "S": 1925, "T": 1911, "M": 1867}
_DAY = re.compile(
    r"(?:(?P<year>\d{4})|(?P<era>令和|平成|昭和|大正|明治|[RHSTM])\s*(?P<era_year>元|\d{1,2}))"
    r"(?P<mark>[-/.年])\s*(?P<month>\d{1,2})(?:月|(?P=mark))\s*(?P<day>\d{1,2})(?:日)?"
    r"|(?P<compact>\d{8})(?!\d)",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(?:(?P<year>\d{4})|(?P<era>令和|平成|昭和|大正|明治|[RHSTM])\s*(?P<era_year>元|\d{1,2}))[-/.年]\s*(?P<month>\d{1,2})月?"
    r"|(?P<compact>\d{6})",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\s*\((?:[月火水木金土日](?:曜日?)?|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\)", re.IGNORECASE)
_TIME = re.compile(
    r"[T\s]*(?P<before>午前|午後|AM|PM)?\s*(?P<hour>\d{1,2})(?::(?=\d)|時)\s*(?:(?P<minute>\d{1,2})分?)?"
    r"(?:(?::|(?<=分))\s*(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?秒?)?\s*(?P<after>午前|午後|AM|PM)?"
    r"\s*(?P<offset>Z|JST|(?:GMT|UTC)?\s*[-+]\d{1,2}(?::?\d{2})?|GMT|UTC)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?$")

_TRUE = frozenset({"true", "t", "yes", "y", "1", "はい", "○", "◯", "有", "有り", "あり", "する", "採用", "済", "同意"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "いいえ", "×", "無", "無し", "なし", "しない", "不採用", "未", "不同意"})


def plain(raw: str) -> str:
    """The text as it is compared everywhere: NFKC, without blanks around it and with an ASCII minus."""
    if raw.isascii():
        return raw.strip()
    return normalize("NFKC", raw).strip(quick.BLANKS).replace("\u2212", "-")


def text(values: pd.Series[Any]) -> pd.Series[Any]:
    """The text as written, without blanks around it; blank is None."""
    return _parse(values, lambda raw: raw.strip(quick.BLANKS), quick.texts)


def identifier(values: pd.Series[Any]) -> pd.Series[Any]:
    """An identifier: NFKC text, leading zeros kept; a number a spreadsheet has rounded, or its error value, is `Bad`."""
    return _parse(values, _identifier, quick.identifiers)


def money(values: pd.Series[Any], currency: str | None = "JPY") -> pd.Series[Any]:
    """An exact amount as Decimal; a mark of another currency than `currency` is `Bad` (None: any mark)."""
    return _parse(values, partial(_money, currency=currency), partial(quick.numbers, convert=Decimal))


def number(values: pd.Series[Any]) -> pd.Series[Any]:
    """A measure as float; `85%` is 0.85, scientific notation is understood."""
    return _parse(values, _number, partial(quick.numbers, convert=float))


def integer(values: pd.Series[Any]) -> pd.Series[Any]:
    """A whole number as int; fractions and numbers a spreadsheet has rounded are `Bad`."""
    return _parse(values, _integer, partial(quick.numbers, convert=int, pattern=r"-?\d{1,18}"))


def timestamp(values: pd.Series[Any], zone: ZoneInfo, fmt: str | None = None) -> pd.Series[Any]:
    """An instant as datetime in UTC: an offset in the text wins over `zone`, a date alone is its midnight.

    `fmt` is a strptime format, or `EXCEL`. Of an hour that occurs twice when clocks go back, the first is taken.
    """
    at_once = partial(quick.times, zone=zone) if fmt is None else None
    return _parse(values, partial(_timestamp, zone=zone, fmt=fmt), at_once)


def day(values: pd.Series[Any], fmt: str | None = None) -> pd.Series[Any]:
    """A day as date, as written: a time of day beside it is dropped. `fmt` is a strptime format, or `EXCEL`."""
    return _parse(values, lambda raw: _wall_clock(raw, fmt).date())


def month(values: pd.Series[Any]) -> pd.Series[Any]:
    """A month (2024-01, 202401, 2024年1月, 令和6年1月, or the date of its first day) as the date of its first day."""
    return _parse(values, _month)


def boolean(values: pd.Series[Any]) -> pd.Series[Any]:
    """Yes or no as bool: TRUE/1/yes/はい/○/有 and FALSE/0/no/いいえ/×/無."""
    return _parse(values, _boolean)


def choice(values: pd.Series[Any], mapping: Mapping[str, str]) -> pd.Series[Any]:
    """Each text replaced by `mapping` (compared after NFKC); a text it does not know stays as it is, for the door to name."""
    known = {plain(key): value for key, value in mapping.items()}
    return _parse(values, lambda raw: known.get(plain(raw), raw.strip(quick.BLANKS)))


def each(values: pd.Series[Any], convert: Callable[[Any], object]) -> pd.Series[Any]:
    """`convert` applied to each distinct readable value once; None and `Bad` stay as they are."""
    return _map(values, lambda value: value if isinstance(value, Bad) else convert(value))


def _parse(values: pd.Series[Any], convert: Callable[[str], object], at_once: quick.Quick | None = None) -> pd.Series[Any]:
    column = str(values.name)

    def cell(raw: str) -> object:
        if not raw.strip(quick.BLANKS):
            return None
        try:
            return convert(raw)
        except (ValueError, OverflowError) as error:
            return Bad(column, raw, str(error))

    return _map(values, cell, at_once)


def _map(values: pd.Series[Any], convert: Callable[[Any], object], at_once: quick.Quick | None = None) -> pd.Series[Any]:
    codes, distinct = factorized(values)
    converted = np.full(len(distinct) + 1, None, dtype=object)  # a missing value has code -1: the last one, None
    read = at_once(_arrow(distinct)) if at_once and isinstance(distinct, ArrowStringArray) else None
    converted[:-1] = quick.objects([convert(value) for value in distinct.tolist()]) if read is None else read
    return pd.Series(converted[codes], index=values.index, name=values.name, dtype=object)


def factorized(values: pd.Series[Any]) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Any]:
    """For each row the place of its value among the distinct ones, -1 where it is missing; and these.

    Objects are told apart by identity, ten times as fast as by comparing instants or amounts: equal ones may come twice.
    """
    if values.dtype != object:
        return pd.factorize(values.array)
    cells = values.to_numpy()
    codes, ids = pd.factorize(np.fromiter(map(id, cells), dtype=np.int64, count=len(cells)))
    first = np.empty(len(ids), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(cells))[::-1]
    distinct = cells[first]
    missing = np.fromiter(map(_is_missing, distinct), dtype=bool, count=len(distinct))
    if not missing.any():
        return codes, distinct
    place = np.where(missing, -1, np.cumsum(~missing) - 1)
    return place[codes], distinct[~missing]


def _arrow(texts: ArrowStringArray) -> pa.Array:
    made = pa.array(texts)
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _identifier(raw: str) -> str:
    value = plain(raw)
    if quick.SCIENTIFIC.fullmatch(value) and "+" in value[1:]:
        raise ValueError(_DAMAGE)
    if quick.ERRORS.fullmatch(value):
        raise ValueError("an error value of a spreadsheet")
    return value


def _decimal(raw: str, currency: str | None, marks: bool) -> Decimal:
    value = plain(raw)
    match = _NUMBER.fullmatch(value)
    if match is None or bool(match["open"]) != bool(match["close"]):
        raise ValueError(_DAMAGE if quick.SCIENTIFIC.fullmatch(value) else "not a number")
    signs = [bool(match["open"]), match["sign"] in _NEGATIVE, match["sign2"] in _NEGATIVE]
    if sum(signs) + sum(match[name] == "+" for name in ("sign", "sign2")) > 1:
        raise ValueError("two signs")
    unit, used = match["unit"], match["mark"]
    if not marks and (used or (unit and unit != "%")):
        raise ValueError("an amount of money where a number belongs")
    if marks and unit == "%":
        raise ValueError("a percentage where an amount belongs")
    for mark in filter(None, (used, "円" if unit and unit != "%" else None)):
        if currency is not None and currency not in _MARKS[mark]:
            raise ValueError(f"marked {mark}, but the currency is {currency}")
    result = Decimal(match["digits"].replace(",", ""))
    if unit in _UNITS:
        result *= _UNITS[unit]
    return result.copy_negate() if any(signs) else result


def _money(raw: str, currency: str | None) -> Decimal:
    return _decimal(raw, currency, marks=True)


def _number(raw: str) -> float:
    value = plain(raw)
    if re.fullmatch(r"[-+]?\d+(?:\.\d+)?E[-+]?\d+", value, re.IGNORECASE):
        return float(value)
    result = _decimal(value, None, marks=False)
    return float(result / 100 if value.endswith("%") or value.endswith("%)") else result)


def _integer(raw: str) -> int:
    value = plain(raw)
    if "%" in value:
        raise ValueError("a percentage where a whole number belongs")
    result = _decimal(value, None, marks=False)
    if result != result.to_integral_value():
        raise ValueError("not a whole number")
    if abs(result) >= 2**63:
        raise ValueError("too large for a whole number; is it an identifier?")
    return int(result)


def _boolean(raw: str) -> bool:
    value = plain(raw).lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError("neither yes nor no")


def _timestamp(raw: str, zone: ZoneInfo, fmt: str | None) -> datetime:
    moment = _wall_clock(raw, fmt)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _wall_clock(raw: str, fmt: str | None) -> datetime:
    """What stands in the cell: with the offset it states, or naive."""
    value = plain(raw)
    if fmt == EXCEL:
        return _serial(value)
    if fmt is not None:
        try:
            return datetime.strptime(value.replace("午前", "AM").replace("午後", "PM"), fmt)
        except ValueError as error:
            raise ValueError(f"does not look like {fmt}") from error
    found = _DAY.match(value)
    if found is None:
        raise ValueError("not a date; for an order such as 31/1/2024 give the format in connections.yaml")
    calendar = _calendar_day(found)
    rest = _WEEKDAY.sub("", value[found.end() :], count=1)
    if not rest:
        return calendar
    clock = _TIME.fullmatch(rest)
    if clock is None:
        raise ValueError("not a time of day")
    return _at(calendar, clock)


def _serial(value: str) -> datetime:
    days = float(_decimal(value, None, marks=False))
    if not 61 <= days < 2_958_466:  # below lies the 29 February 1900 that never was
        raise ValueError("not a serial number of a spreadsheet's day")
    return datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))


def _year(match: re.Match[str]) -> int:
    if match["year"]:
        return int(match["year"])
    within = 1 if match["era_year"] == "元" else int(match["era_year"])
    if within == 0:
        raise ValueError("an era begins with year 1 (元年)")
    return _ERAS[match["era"].upper()] + within


def _calendar_day(match: re.Match[str]) -> datetime:
    compact = match["compact"]
    try:
        if compact:
            return datetime(int(compact[:4]), int(compact[4:6]), int(compact[6:]))
        return datetime(_year(match), int(match["month"]), int(match["day"]))
    except ValueError as error:
        raise ValueError(f"no such day: {error}") from error


def _at(calendar: datetime, clock: re.Match[str]) -> datetime:
    hour, half = int(clock["hour"]), (clock["before"] or clock["after"] or "").upper()
    if half:
        if hour > 12:
            raise ValueError(f"hour {hour} with {half}")
        hour = hour % 12 + (12 if half in ("午後", "PM") else 0)
    try:
        moment = calendar.replace(
            hour=hour,
            minute=int(clock["minute"] or 0),
            second=int(clock["second"] or 0),
            microsecond=int((clock["fraction"] or "0")[:6].ljust(6, "0")),
        )
    except ValueError as error:
        raise ValueError(f"no such time: {error}") from error
    return moment if clock["offset"] is None else moment.replace(tzinfo=_offset(clock["offset"].upper()))


def _offset(value: str) -> timezone:
    if value == "JST":
        return timezone(timedelta(hours=9))
    match = _OFFSET.search(value)
    if match is None:
        return UTC
    shift = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return timezone(-shift if match["sign"] == "-" else shift)


def _month(raw: str) -> date:
    value = plain(raw)
    match = _MONTH.fullmatch(value)
    if match is None:
        whole = _wall_clock(value, None).date()
        if whole.day != 1:
            raise ValueError("a day in the middle of a month where a month belongs")
        return whole
    compact = match["compact"]
    try:
        return date(int(compact[:4]), int(compact[4:]), 1) if compact else date(_year(match), int(match["month"]), 1)
    except ValueError as error:
        raise ValueError(f"no such month: {error}") from error
