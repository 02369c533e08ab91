"""Answer cells to rows: one question's column of text -> option code, number and text length.

Data flow: the non-blank cells of a column -> one row each, several for several choices -> columns of `survey.answers`.
A choice whose own text contains the separator stays whole when the question's `options` list it. Reversed items are not turned.
"""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

import pandas as pd

from pipelines.sources import cells
from pipelines.sources.connection import Bad
from pipelines.sources.layouts import readable
from pipelines.sources.survey.options import Question, code_of


def read_answers(question: Question, texts: pd.Series[Any], separator: str, option: str | None = None) -> pd.DataFrame:
    """Rows for the cells of one column, indexed by response; blank cells give none.

    `option` is the choice the whole column stands for, in exports that spread the choices of a question over columns: there a
    cell says only that it was chosen.
    """
    texts = texts[texts.str.strip() != ""]
    if question.kind == "text":
        lengths = cells.each(cells.text(texts), len)
        return _rows(cells.each(lengths, lambda _: "text"), text_length=lengths)
    if question.is_numeric:
        scores = _scores(question, texts)
        return _rows(cells.each(readable(scores), code_of), numeric_value=scores)
    if option is not None:
        code = _code(question, cells.plain(option))
        return _rows(cells.each(texts, lambda _: code))
    if question.kind == "multiple":
        split = cells.each(texts, lambda raw: split_choices(question, raw, separator))
        return _rows(split.explode().astype(object))
    return _rows(cells.each(texts, lambda raw: _code(question, cells.plain(raw))))


def split_choices(question: Question, raw: str, separator: str) -> list[str]:
    """The codes of the choices in one cell, each once: known options, the longest first, else what the separator parts."""
    separator = normalize("NFKC", separator)
    rest = cells.plain(raw).removesuffix(separator.strip())
    labels = sorted((cells.plain(label) for label in question.options), key=len, reverse=True)
    codes: list[str] = []
    while rest:
        known = next((label for label in labels if rest == label or rest.startswith(label + separator)), None)
        choice = known if known is not None else rest.partition(separator)[0]
        rest = rest[len(choice) + len(separator) :]
        if choice:
            codes.append(_code(question, choice))
    return list(dict.fromkeys(codes))


def _code(question: Question, choice: str) -> str:
    known = {cells.plain(label): code for label, code in question.options.items()}
    return known.get(choice, choice if question.other is None else question.other)


def _scores(question: Question, texts: pd.Series[Any]) -> pd.Series[Any]:
    words = {cells.plain(label): float(code) for label, code in question.options.items()}
    low, high = question.bounds
    distinct = pd.Series(texts.unique(), name=texts.name, dtype="str")
    scores: dict[str, object] = {}
    for raw, number in zip(distinct, cells.number(distinct), strict=True):
        score = words.get(cells.plain(raw), number)
        if isinstance(score, Bad):
            score = score._replace(why="neither a number nor one of the question's options")
        elif not low <= score <= high:
            score = Bad(str(texts.name), raw, f"outside the scale {code_of(low)} to {code_of(high)}; correct scale or options")
        scores[raw] = score
    return cells.each(texts, lambda raw: scores[raw])


def _rows(codes: pd.Series[Any], **others: pd.Series[Any]) -> pd.DataFrame:
    blank = pd.Series([None] * len(codes), index=codes.index, dtype=object)
    columns = {"option_code": codes, "numeric_value": blank, "text_length": blank, **others}
    return pd.DataFrame(columns, dtype=object)
