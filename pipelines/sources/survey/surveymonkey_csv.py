"""SurveyMonkey response export ("All individual responses", CSV).

Data flow: <folder>/*.csv -> survey.surveys, survey.questions, survey.answers; <folder>/<invitations> -> survey.invitations.

Quirks: row 1 holds the question texts, and nothing above the further columns of a question; row 2 says what a column is:
`Response`, a choice of a select-all question, or a row of a grid. A select-all question is keyed by its text and read over all
its columns: a filled cell means the choice of row 2, whether it holds the choice's text or its number, and what people typed into
`Other (please specify)` is not kept. One column of a grid is keyed `<question text> [<row 2>]`. Dates are month first in most
accounts (`01/31/2026 11:59:59 PM`), so `date_format` is needed there. Files of old accounts are not UTF-8.

    visitor_survey:
      source: survey
      kind: surveymonkey_csv
      path: data_samples/survey/visitors
      date_format: "%m/%d/%Y %I:%M:%S %p"
      survey: {id: visitors, title: 来場者調査, audience: public, mode: anonymous}
      wave: {every: half}
      questions:
        How satisfied were you?: {code: csat, kind: csat, options: {Very satisfied: 5, Satisfied: 4, Neutral: 3}}
        Where did you hear of us? (Select all that apply.): {code: heard, kind: multiple, options: {"TV, radio": broadcast}}
        "Please rate the following: [Staff]": {code: staff, kind: rating}
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sources.connection import Sheet, SourceError
from pipelines.sources.layouts import find, tidy
from pipelines.sources.survey.base import AnswerColumn, Responses, SurveyFile
from pipelines.sources.survey.options import Text


class SurveyMonkeyCsv(SurveyFile):
    """A SurveyMonkey export; questions are keyed by the text in row 1."""

    response_id: Text | None = "Respondent ID"
    answered_at: Text = "End Date"

    def responses(self, sheet: Sheet) -> Responses:
        """The rows below the two header rows; the columns of a question are gathered from row 1."""
        if sheet.rows.empty or sheet.rows.index[0] != 2:
            raise SourceError(f"{sheet.file} has no second header row; export all individual responses, unchanged")
        blocks = dict(_blocks(sheet))
        single = {f"{text} [{column.option}]": [column] for text, block in blocks.items() for column in block if len(block) > 1}
        places = {tidy(text): block for text, block in {**single, **blocks}.items()}
        absent = [key for key in self.questions if tidy(key) not in places]
        if absent:
            find(sheet, absent)
        columns = {key: self._columns(sheet, key, places[tidy(key)]) for key in self.questions}
        return Responses(sheet.rows.iloc[1:], {key: key for key in self.questions}, columns)

    def _columns(self, sheet: Sheet, key: str, block: list[AnswerColumn]) -> list[AnswerColumn]:
        if len(block) == 1:
            return [AnswerColumn(block[0].name)]
        if self.questions[key].kind != "multiple":
            names = ", ".join(f"{key} [{column.option}]" for column in block)
            raise SourceError(f"{sheet.file}: {key!r} spreads over {len(block)} columns; name the one that is meant: {names}")
        return block


def _blocks(sheet: Sheet) -> Iterator[tuple[str, list[AnswerColumn]]]:
    """Each question text of row 1 with its columns: those without a text of their own belong to the one before."""
    text, block = "", list[AnswerColumn]()
    for column, header, label in zip(sheet.rows.columns, sheet.rows.attrs["headers"][0], sheet.rows.iloc[0], strict=True):
        if header and block:
            yield text, block
        if header:
            text, block = column, []
        block.append(AnswerColumn(column, label.strip()))
    yield text, block
