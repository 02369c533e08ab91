"""Qualtrics response export (CSV, "Download data table" with the three header rows).

Data flow: <folder>/*.csv -> survey.surveys, survey.questions, survey.answers; <folder>/<invitations> -> survey.invitations.

Quirks: row 1 holds column names (some twice: the second Q5 is `Q5.1` here), row 2 the question texts, row 3 `{"ImportId":...}`.
Previews, tests and spam are rows like any other and are told by `Status`, as text or as number; unfinished responses by
`Finished`, True or 1. Exported as numbers, the codes of choices may have gaps (1,2,3,6,7): map them in `options`, a code
outside the scale is refused. Several choices in one cell are joined by a comma without a blank.

    customer_nps:
      source: survey
      kind: qualtrics_csv
      path: data_samples/survey/customer_nps
      survey: {id: customer_nps, title: 顧客推奨度調査, audience: customer, mode: identified}
      wave: {every: month}
      respondent: {column: RecipientEmail, as: mail}
      questions:
        Q1: {code: nps, kind: nps}
        Q2: {code: ease, kind: ces, options: {1: 1, 2: 2, 3: 3, 6: 4, 7: 5}}
        Q3: {code: channel, kind: multiple, options: {1: shop, 2: web, 3: app}}
"""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from pipelines.sources import cells
from pipelines.sources.connection import Sheet, SourceError
from pipelines.sources.layouts import find
from pipelines.sources.survey.base import AnswerColumn, Responses, SurveyFile, SurveyReader
from pipelines.sources.survey.options import Text

# Status of a response that no respondent gave, as Qualtrics writes it in text and in number exports.
NOT_ANSWERED = frozenset(
    {
        *("survey preview", "survey test", "spam", "survey preview spam", "imported spam", "offline survey preview", "ex spam"),
        *("1", "2", "8", "9", "12", "17", "40"),
    }
)


class QualtricsReader(SurveyReader):
    """Tables with the three header rows of Qualtrics; questions are keyed by column name (Q1, Q2_3)."""

    separator: ClassVar[str] = ","

    response_id: Text | None = "ResponseId"
    answered_at: Text = "RecordedDate"
    include_partial: bool = False

    def responses(self, sheet: Sheet) -> Responses:
        """The rows below the three header rows that a respondent finished."""
        columns = find(sheet, list(self.questions))
        if len(sheet.rows) < 2 or not sheet.rows.iloc[1].str.contains("ImportId").any():
            raise SourceError(f"{sheet.file} row 3 has no ImportId: export it from Qualtrics as CSV, with its three header rows")
        wordings = {key: str(sheet.rows[column].iloc[0]) for key, column in columns.items()}
        rows = self._answered(Sheet(sheet.file, sheet.rows.iloc[2:]))
        return Responses(rows, wordings, {key: [AnswerColumn(column)] for key, column in columns.items()})

    def _answered(self, sheet: Sheet) -> pd.DataFrame:
        rows = sheet.rows
        if "Status" in rows.columns:
            rows = rows[~rows["Status"].str.strip().str.casefold().isin(NOT_ANSWERED)]
        if "Finished" in rows.columns and not self.include_partial:
            finished = cells.boolean(rows["Finished"])
            for row, raw, value in zip(rows.index, rows["Finished"], finished, strict=True):
                if not isinstance(value, bool):
                    raise SourceError(f"{sheet.file} row {row}: Finished {raw!r} is neither True nor False; export it unchanged")
            rows = rows[finished.astype(bool)]
        return rows


class QualtricsCsv(QualtricsReader, SurveyFile):
    """Files exported from Qualtrics."""
