"""The page's own words: both languages complete, numbers as readers write them, names from outside harmless."""

from __future__ import annotations

import ast
import re
import string
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.report import wording
from pipelines.report.wording import (
    END_OF_ISOLATE,
    ISOLATE,
    LONGEST_NAME,
    Text,
    change,
    compare,
    interval,
    month,
    moved,
    number,
    outside,
    say,
    texts,
    word,
)

MODULES = sorted(Path(wording.__file__).parent.glob("*.py"))
TEMPLATE = Path(wording.__file__).with_name("template.html.jinja").read_text(encoding="utf-8")


def names(pattern: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(pattern) if name}


def test_every_sentence_has_the_same_names_in_both_languages() -> None:
    assert [key for key, text in texts().items() if names(text.ja) != names(text.en)] == []
    assert [key for key, text in texts().items() if not text.ja.strip() or not text.en.strip()] == []
    assert [key for key, text in texts().items() if re.search(r"[ぁ-んァ-ヶ一-龠]", text.en)] == []


def test_every_sentence_is_used_and_every_one_used_exists() -> None:
    strings = {
        node.value
        for file in MODULES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    strings |= set(re.findall(r't\("(\w+)"\)', TEMPLATE))
    groups = {match for file in MODULES for match in re.findall(r'word\(\s*"(\w+)"', file.read_text(encoding="utf-8"))}
    groups |= {"col", "compare", "tile"}  # filled in by grid, compare and the tiles
    unused = [key for key in texts() if key not in strings and not key.startswith(tuple(f"{group}_" for group in groups))]
    assert unused == []
    columns = {node for node in strings if f"col_{node}" in texts()}
    assert {f"col_{name}" for name in columns} == {key for key in texts() if key.startswith("col_")}


def test_every_sentence_is_given_the_names_it_has() -> None:
    wrong = []
    for file in MODULES:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") not in ("say", "absent"):
                continue
            sentence = call.args[0 if call.func.id == "say" else 2]
            given = {keyword.arg for keyword in call.keywords}
            for key in [node.value for node in ast.walk(sentence) if isinstance(node, ast.Constant) and node.value in texts()]:
                wrong += [f"{file.name}:{call.lineno} {key}"] if names(texts()[key].ja) - given else []
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "unit", "japanese", "english"),
    [
        (0.1234, "share", "12.3%", "12.3%"),
        (-0.5, "share", "−50.0%", "−50.0%"),
        (1234.4, "people", "1,234", "1,234"),
        (61.04, "score", "61.0", "61.0"),
        (-0.04, "score", "0.0", "0.0"),
        (1.555, "ratio", "1.55", "1.55"),
        (340277, "JPY", "340,277円", "¥340,277"),
        (12345678, "JPY", "1,235万円", "¥12.3M"),
        (-1234567890, "JPY", "−12.35億円", "−¥1,234.6M"),
        (None, "share", "–", "–"),
    ],
)
def test_numbers_read_as_their_readers_write_them(value: float | None, unit: str, japanese: str, english: str) -> None:
    assert number(value, unit) == Text(japanese, english)


def test_changes_have_a_sign_and_shares_change_by_points() -> None:
    assert change(0.012, "share") == Text("+1.2ポイント", "+1.2 pt")
    assert change(-1.25, "score") == Text("−1.2", "−1.2")
    assert change(0, "people") == Text("±0", "±0")
    assert interval(0.1, 0.2, "share").ja.replace("\u2060", "") == "10.0%～20.0%"
    assert month(date(2026, 9, 1)) == Text("2026年9月", "Sep 2026")


def test_a_change_within_both_intervals_is_not_called_one() -> None:
    # Standard errors 1 and 1: the difference of 2.7 lies within 1.96 x sqrt(2) = 2.77, that of 2.9 does not.
    assert moved((52.7, 50.74, 54.66), (50, 48.04, 51.96)) == "unclear"
    assert moved((52.9, 50.94, 54.86), (50, 48.04, 51.96)) == "up"
    assert moved((47.1, 45.14, 49.06), (50, 48.04, 51.96)) == "down"
    row = {"value": 52.7, "ci_low": 50.74, "ci_high": 54.66}
    assert "chance alone" in compare(row, {"value": 50, "ci_low": 48.04, "ci_high": 51.96}, "score", say("since_last")).en
    assert "chance" not in compare(row, {"value": 50}, "score", say("since_last")).en


def test_a_code_without_a_word_is_shown_as_a_name_from_outside() -> None:
    assert word("verdict", "supported") == Text("効果あり", "supported")
    assert word("verdict", "<b>").ja == f"{ISOLATE}<b>{END_OF_ISOLATE}"


@given(st.text(max_size=200))
def test_a_name_from_outside_cannot_turn_or_break_the_text_round_it(name: str) -> None:
    shown = outside(name)
    inner = shown.ja.removeprefix(ISOLATE).removesuffix(END_OF_ISOLATE)
    assert shown.ja == shown.en == f"{ISOLATE}{inner}{END_OF_ISOLATE}"
    assert len(inner) <= LONGEST_NAME
    assert not any(unicodedata.category(mark) in ("Cc", "Cf", "Zl", "Zp") for mark in inner)
