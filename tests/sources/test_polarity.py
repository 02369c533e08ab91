"""Polarity of texts: judged where the source has not, in both languages, and the text goes no further."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.sources.polarity import add_polarity, judge
from tests.bench.accuracy_of_polarity import accuracy, confusion


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("とてもおいしくて大満足です", 1),
        ("残念でした。がっかりしました", -1),
        ("本日届きました。", 0),
        ("I love it!", 1),
        ("Terrible, I hate it", -1),
    ],
)
def test_a_plain_text_is_judged_as_a_reader_would(text: str, sign: int) -> None:
    verdict = judge(text)
    assert verdict is not None
    assert (verdict[0] > 0) - (verdict[0] < 0) == sign


@pytest.mark.parametrize("text", ["", "🍵", "12345", "https://example.jp/great", "@great #love"])
def test_a_text_without_words_of_its_own_has_no_polarity_rather_than_a_neutral_one(text: str) -> None:
    assert judge(text) is None


def test_the_sources_own_judgement_is_kept_and_named() -> None:
    rows = pd.DataFrame({"polarity": [-1.0, None, None]}, dtype=object)
    add_polarity(rows, pd.Series(["I love it", "I love it", None], dtype=object))
    assert rows["polarity"].tolist()[0] == -1.0
    assert rows["polarity"].tolist()[1] > 0
    assert rows["polarity_source"].tolist()[:2] == ["source", "vader 3.3.2"]
    assert pd.isna(rows["polarity"].tolist()[2])
    assert rows["text_length"].tolist()[:2] == [9, 9]
    assert "text" not in rows


def test_the_documented_accuracy_holds() -> None:
    """Three in four Japanese and five in six English texts are right; a library that does worse must not slip in."""
    assert accuracy(confusion("ja")) >= 0.75
    assert accuracy(confusion("en")) >= 0.83
