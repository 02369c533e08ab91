"""What the page says, in Japanese and in English: texts, numbers, months and words from outside.

The sentences lie in texts.yaml, each in both languages with the same {names}. Whatever comes from outside (names of surveys,
units, initiatives, accounts) goes through `outside`, which keeps it apart from the page's own words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

LANGUAGES = ("ja", "en")
LONGEST_NAME = 60  # characters of a name from outside; the whole of it stands in the published table
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"  # what stands between them cannot turn the direction of the text round it
BEYOND_CHANCE = 1.96


class Text(NamedTuple):
    """The same in both languages."""

    ja: str
    en: str


@cache
def texts() -> dict[str, Text]:
    """All sentences of the page by their key."""
    loaded = yaml.safe_load(Path(__file__).with_name("texts.yaml").read_text(encoding="utf-8"))
    return {key: Text(both["ja"], both["en"]) for key, both in loaded.items()}


def say(key: str, /, **values: Any) -> Text:
    """The sentence `key` with its {names} filled in; a value may be a Text itself. KeyError when there is no such sentence."""
    pattern = texts()[key]
    return Text(*(_fill(pattern[i], values, i) for i in range(len(LANGUAGES))))


def _fill(pattern: str, values: dict[str, Any], language: int) -> str:
    return pattern.format(**{name: value[language] if isinstance(value, Text) else value for name, value in values.items()})


def word(group: str, code: Any) -> Text:
    """The word for a code such as a verdict; a code that has none yet is shown as it is."""
    key = f"{group}_{code}"
    return texts()[key] if key in texts() else outside(code)


def same(text: Any) -> Text:
    """What is written alike in both languages, such as a number."""
    return Text(str(text), str(text))


def outside(text: Any) -> Text:
    """A name from outside as plain text: without control characters and marks that turn the direction, and not too long."""
    kept = "".join(" " if unicodedata.category(mark) in ("Cc", "Zl", "Zp") else mark for mark in str(text))
    kept = "".join(mark for mark in kept if unicodedata.category(mark) not in ("Cf", "Cs", "Co", "Cn"))
    kept = " ".join(kept.split())
    if len(kept) > LONGEST_NAME:
        kept = kept[: LONGEST_NAME - 1] + "…"
    return same(f"{ISOLATE}{kept}{END_OF_ISOLATE}")


def join(parts: Sequence[Text]) -> Text:
    """Sentences one after the other."""
    return Text("".join(part.ja for part in parts), " ".join(part.en for part in parts))


def enumerate_words(parts: Sequence[Text]) -> Text:
    """Words one after the other, with commas."""
    return Text("、".join(part.ja for part in parts), ", ".join(part.en for part in parts))


def number(value: float | None, unit: str) -> Text:
    """A value in its unit (see dim_metrics.unit): 0.123 share -> 12.3%, 12345678 JPY -> 1,235万円 or ¥12.3M."""
    if value is None:
        return texts()["none"]
    value = float(value)
    if unit == "share":
        return same(f"{_minus(f'{value * 100:,.1f}')}%")
    if unit == "JPY":
        return _yen(value)
    if unit in ("people", "count"):
        return same(_minus(f"{value:,.0f}"))
    if unit == "ratio":
        return same(_minus(f"{value:,.2f}"))
    return same(_minus(f"{value:,.1f}"))


def change(difference: float | None, unit: str) -> Text:
    """A difference with its sign; of shares in percentage points."""
    if difference is None:
        return texts()["none"]
    sign = "+" if difference > 0 else "±" if difference == 0 else ""
    if unit == "share":
        return Text(*(f"{sign}{_minus(f'{difference * 100:,.1f}')}{point}" for point in texts()["percentage_point"]))
    shown = number(difference, unit)
    return Text(sign + shown.ja, sign + shown.en)


def interval(low: float | None, high: float | None, unit: str) -> Text:
    """The two ends of a 95 % interval."""
    if low is None or high is None:
        return texts()["none"]
    return say("interval", low=number(low, unit), high=number(high, unit))


def month(day: date | None) -> Text:
    """Year and month: 2026年9月, Sep 2026."""
    return texts()["none"] if day is None else Text(f"{day.year}年{day.month}月", f"{day:%b} {day.year}")


def day(value: date | None) -> Text:
    """A whole date, alike in both languages."""
    return texts()["none"] if value is None else same(value.isoformat())


def moved(now: tuple[float, float, float], before: tuple[float, float, float]) -> str:
    """up, down or unclear: whether two values with 95 % intervals (value, low, high) differ by more than chance.

    z of the difference from the widths of both intervals, as if the two were independent; of the same people asked twice that
    errs on the side of unclear.
    """
    errors = [(high - low) / (2 * BEYOND_CHANCE) for _, low, high in (now, before)]
    spread = sum(error**2 for error in errors) ** 0.5
    difference = now[0] - before[0]
    if abs(difference) <= BEYOND_CHANCE * spread:
        return "unclear"
    return "up" if difference > 0 else "down"


def _minus(digits: str) -> str:
    """A true minus sign, and none before zero."""
    return digits.lstrip("-") if not digits.strip("-0.,") else digits.replace("-", "\u2212")


def _yen(value: float) -> Text:
    size = abs(value)
    if size >= 1e8:
        japanese = f"{value / 1e8:,.2f}億円"
    elif size >= 1e6:
        japanese = f"{value / 1e4:,.0f}万円"
    else:
        japanese = f"{value:,.0f}円"
    english = f"{value / 1e6:,.1f}M" if size >= 1e6 else f"{value:,.0f}"
    sign = "-" if value < 0 else ""
    return Text(_minus(japanese), _minus(f"{sign}¥{english.lstrip('-')}"))


def compare(now: Mapping[str, Any], before: Mapping[str, Any], unit: str, since: Text) -> Text:
    """How a value moved against an earlier one, and whether by more than chance where both have intervals."""
    verdict = "plain"
    if all(row.get(end) is not None for row in (now, before) for end in ("ci_low", "ci_high")):
        verdict = moved(*((row["value"], row["ci_low"], row["ci_high"]) for row in (now, before)))
    difference = change(now["value"] - before["value"], unit)
    return say(f"compare_{verdict}", since=since, before=number(before["value"], unit), change=difference)


def of_waves(sentence: str, waves: Sequence[Mapping[str, Any]], answered: str) -> list[Text]:
    """The score of the newest of some waves with its interval, and how it moved since the wave before.

    `answered` is the column that says of how many people the score is.
    """
    now = waves[-1]
    score, ends = number(now["value"], "score"), interval(now["ci_low"], now["ci_high"], "score")
    said = [say(sentence, value=score, interval=ends, n=number(now[answered], "people"), wave=outside(now["wave"]))]
    if len(waves) > 1:
        said.append(compare(now, waves[-2], "score", say("since_wave", wave=outside(waves[-2]["wave"]))))
    return said
