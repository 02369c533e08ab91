"""Cells of Japanese and damaged exports: what is read, what is refused and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources import cells
from pipelines.sources.connection import Bad

TOKYO = ZoneInfo("Asia/Tokyo")
WIDE = str.maketrans("0123456789,.-", "０１２３４５６７８９，．－")


def one(parse: Callable[..., Any], raw: str, *args: Any, **options: Any) -> Any:
    return parse(pd.Series([raw], name="列", dtype="str"), *args, **options).iloc[0]


def why(parse: Callable[..., Any], raw: str, *args: Any, **options: Any) -> str:
    value = one(parse, raw, *args, **options)
    assert isinstance(value, Bad), f"{raw!r} was read as {value!r}"
    assert (value.column, value.raw) == ("列", raw)
    return value.why


@pytest.mark.parametrize("raw", ["", " ", "\u3000", "\u00a0\t"])
@pytest.mark.parametrize(
    "parse", [cells.text, cells.identifier, cells.money, cells.number, cells.integer, cells.day, cells.month, cells.boolean]
)
def test_blank_is_none(parse: Callable[..., Any], raw: str) -> None:
    assert one(parse, raw) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("1,23", "not a number"), ("1.234,50", "not a number"), ("12個", "not a number"),
        ("(5", "not a number"), ("円", "not a number"),
        ("nan", "not a number"), ("inf", "not a number"), ("--3", "two signs"), ("-(3)", "not a number"), ("(-3)", "two signs"),
        ("5.7E+17", "spreadsheet damage"),
        ("10%", "a percentage"), ("$5", "marked $, but the currency is JPY"),
    ],
)  # fmt: skip
def test_no_amount_is_guessed(raw: str, reason: str) -> None:
    assert reason in why(cells.money, raw)


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        ("1,234", "1234"), ("１，２３４円", "1234"), ("¥-500", "-500"), ("￥1,980", "1980"), ("△1,000", "-1000"),
        ("▲５０", "-50"),
        ("(300)", "-300"), ("（３００）", "-300"), ("−5", "-5"), ("－５", "-5"), ("12.50", "12.50"), (".5", "0.5"), ("1.", "1"),
        ("1,200千円", "1200000"), ("3万円", "30000"), ("1.5億円", "150000000"), ("+7", "7"),
    ],
)  # fmt: skip
def test_amounts_as_japanese_files_write_them(raw: str, amount: str) -> None:
    assert one(cells.money, raw) == Decimal(amount)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=4),
    st.booleans(), st.sampled_from(["-", "△", "▲", "("]), st.sampled_from(["", "円", "¥", "￥"]), st.booleans(),
)  # fmt: skip
def test_every_amount_written_in_any_of_these_ways_reads_back_exactly(
    amount: Decimal, commas: bool, sign: str, mark: str, wide: bool
) -> None:
    digits = format(amount.copy_abs(), ",f" if commas else "f")
    if wide:
        digits = digits.translate(WIDE)
    raw = f"{digits}{mark}" if mark == "円" else f"{mark}{digits}"
    if amount < 0:
        raw = f"({raw})" if sign == "(" else f"{sign}{raw}"
    assert one(cells.money, raw) == amount


@pytest.mark.parametrize(
    ("raw", "value"), [("12", 12.0), ("85%", 0.85), ("８５％", 0.85), ("1e-05", 1e-05), ("-1,234.5", -1234.5)]
)
def test_numbers(raw: str, value: float) -> None:
    assert one(cells.number, raw) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_back(value: float) -> None:
    assert one(cells.number, repr(value)) == value


@pytest.mark.parametrize("raw", ["nan", "inf", "five", "5円", "1 2"])
def test_what_is_no_number_is_refused(raw: str) -> None:
    assert why(cells.number, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("5.5", "not a whole number"),
        ("5.70306E+17", "spreadsheet damage"),
        ("9223372036854775808", "too large"),
        ("5%", "a percentage"),
        ("x", "not a number"),
    ],
)
def test_what_is_no_whole_number_is_refused(raw: str, reason: str) -> None:
    assert reason in why(cells.integer, raw)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_whole_number_reads_back(value: int) -> None:
    assert one(cells.integer, f"{value:,}".translate(WIDE)) == value
    assert one(cells.integer, f"{value}.0") == value


@pytest.mark.parametrize(("raw", "value"), [("00123", "00123"), (" ＡＢ－１２ ", "AB-12"), ("1E5", "1E5"), ("ｶﾅ", "カナ")])
def test_identifiers_keep_their_zeros(raw: str, value: str) -> None:
    assert one(cells.identifier, raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("5.70306E+17", "spreadsheet damage"), ("1e+05", "spreadsheet damage"), ("#N/A", "error value"), ("####", "error value")],
)
def test_identifiers_a_spreadsheet_has_damaged_are_refused(raw: str, reason: str) -> None:
    assert reason in why(cells.identifier, raw)


def test_text_is_kept_as_written() -> None:
    assert one(cells.text, "\u3000髙橋①　商店 ") == "髙橋①　商店"


@pytest.mark.parametrize(
    "raw",
    [
        "2024-01-31 23:05:00", "2024/1/31 23:05", "2024.01.31 23:05:00", "2024年1月31日 23時5分", "2024年1月31日(水) 23:05",
        "令和6年1月31日 23:05", "R6.1.31 23:05", "令和６年１月３１日　２３時０５分００秒", "㋿6年1月31日 23:05",
        "2024/01/31 午後 11:05:00 GMT+9", "2024/01/31 11:05 PM", "2024-01-31T14:05:00Z", "2024-01-31T14:05:00.000+00:00",
        "2024-01-31 09:05:00 -0500", "2024-01-31 23:05 JST", "20240131 23:05", "2024/01/31 (Wed) 23:05",
    ],
)  # fmt: skip
def test_one_instant_in_many_spellings(raw: str) -> None:
    assert one(cells.timestamp, raw, TOKYO) == datetime(2024, 1, 31, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "hour"),
    [("午前12:00", 0), ("午前0:00", 0), ("午後0:30", 12), ("午後12:30", 12), ("午前11:59", 11), ("午後11:59", 23)],
)
def test_morning_and_afternoon(raw: str, hour: int) -> None:
    assert one(cells.timestamp, f"2024/01/31 {raw}", ZoneInfo("UTC")).hour == hour


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("1/2/2024", "give the format"), ("31.01.2024", "give the format"), ("2024-1/31", "give the format"),
        ("202401311", "give the format"), ("yesterday", "give the format"), ("45322", "give the format"),
        ("2024-02-30", "no such day"), ("令和0年1月1日", "元年"), ("2024-01-31 25:00", "no such time"),
        ("2024-01-31 午後13:00", "hour 13"), ("2024-01-31 10:05x", "not a time"), ("2024-01-31 12:", "not a time"),
    ],
)  # fmt: skip
def test_no_instant_is_guessed(raw: str, reason: str) -> None:
    assert reason in why(cells.timestamp, raw, TOKYO)


def test_a_format_settles_what_could_be_two_days() -> None:
    assert one(cells.day, "1/2/24", "%m/%d/%y") == date(2024, 1, 2)
    assert one(cells.day, "1/2/24", "%d/%m/%y") == date(2024, 2, 1)
    assert one(cells.timestamp, "31/01/2024 午後 11:05", TOKYO, "%d/%m/%Y %p %I:%M") == datetime(2024, 1, 31, 14, 5, tzinfo=UTC)
    assert "does not look like %d/%m/%Y" in why(cells.day, "2024-01-31", "%d/%m/%Y")


def test_serial_numbers_of_a_spreadsheet_only_when_told() -> None:
    assert one(cells.day, "45322", cells.EXCEL) == date(2024, 1, 31)
    assert one(cells.timestamp, "45322.75", ZoneInfo("UTC"), cells.EXCEL) == datetime(2024, 1, 31, 18, 0, tzinfo=UTC)
    assert "serial number" in why(cells.day, "59", cells.EXCEL)


def test_an_hour_that_occurs_twice_is_its_first() -> None:
    assert one(cells.timestamp, "2011-10-30 01:30", ZoneInfo("Europe/London")) == datetime(2011, 10, 30, 0, 30, tzinfo=UTC)


ERAS = {"明治": ("M", 1868), "大正": ("T", 1912), "昭和": ("S", 1926), "平成": ("H", 1989), "令和": ("R", 2019)}


@given(st.sampled_from(sorted(ERAS)), st.dates(date(1868, 1, 1), date(2099, 12, 31)), st.booleans())
def test_every_day_of_an_era_reads_back(era: str, when: date, wide: bool) -> None:
    letter, first = ERAS[era]
    year = when.year - first + 1
    if not 1 <= year <= 99:
        return
    long = f"{era}{'元' if year == 1 else year}年{when.month}月{when.day}日"
    assert one(cells.day, long.translate(WIDE) if wide else long) == when
    assert one(cells.day, f"{letter}{year}.{when.month}.{when.day}") == when
    assert one(cells.month, f"{era}{year}年{when.month}月") == when.replace(day=1)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_every_instant_reads_back_whatever_its_offset(moment: datetime, minutes: int) -> None:
    shift = timedelta(minutes=minutes)
    sign, distance = ("-", -shift) if minutes < 0 else ("+", shift)
    offset = f"{sign}{distance.seconds // 3600:02}:{distance.seconds // 60 % 60:02}"
    raw = f"{(moment + shift).isoformat(sep=' ', timespec='microseconds')} {offset}"
    assert one(cells.timestamp, raw, TOKYO) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("raw", ["2024-01", "2024/1", "202401", "2024年1月", "令和6年1月", "2024-01-01", "２０２４年１月"])
def test_months(raw: str) -> None:
    assert one(cells.month, raw) == date(2024, 1, 1)


@pytest.mark.parametrize(
    ("raw", "reason"), [("2024-01-15", "middle of a month"), ("2024-13", "no such month"), ("January", "not a date")]
)
def test_what_is_no_month_is_refused(raw: str, reason: str) -> None:
    assert reason in why(cells.month, raw)


@pytest.mark.parametrize(
    ("raw", "value"), [("TRUE", True), ("１", True), ("はい", True), ("○", True), ("False", False), ("0", False), ("無", False)]
)
def test_yes_and_no(raw: str, value: bool) -> None:
    assert one(cells.boolean, raw) is value


def test_neither_yes_nor_no_is_refused() -> None:
    assert why(cells.boolean, "2") == "neither yes nor no"


def test_a_choice_is_compared_in_any_width_and_an_unknown_one_stays() -> None:
    values = pd.Series(["新規受付", "ＰＡＩＤ", " 保留 ", ""], index=[5, 6, 7, 8], name="状態")
    result = cells.choice(values, {"新規受付": "placed", "PAID": "paid"})
    assert result.tolist() == ["placed", "paid", "保留", None]
    assert result.index.tolist() == [5, 6, 7, 8]


def test_each_leaves_blanks_and_unreadable_cells_alone() -> None:
    bad = Bad("c", "x", "not a number")
    values = pd.Series([Decimal(2), None, bad], dtype=object)
    assert cells.each(values, lambda value: value * 2).tolist() == [4, None, bad]
    assert cells.each(pd.Series([None, None], dtype=object), lambda value: value * 2).tolist() == [None, None]


def test_each_distinct_text_is_parsed_once() -> None:
    calls: list[object] = []
    cells.each(pd.Series(["a", "b", "a", "a"], dtype=object), lambda value: calls.append(value))
    assert calls == ["a", "b"]
