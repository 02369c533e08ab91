"""Answers of a web form as one table: Google Forms, Microsoft Forms, or any file with one row per response.

Data flow: <folder>/*.csv or *.xlsx -> survey.surveys, survey.questions, survey.answers
           <folder>/<invitations> -> survey.invitations

Quirks: one header row with the question texts; Google writes `2026/01/31 午後 11:59:59 GMT+9` or `2026/01/31 23:59:59`, and joins
several choices by `, ` in one cell, even where a choice contains a comma itself (list such choices in `options`); each export
repeats all earlier responses, which then land as they did before. Without a column of response numbers the timestamp and a
running number within it identify a response.

    pulse_survey:
      source: survey
      kind: form_csv
      path: data_samples/survey/pulse
      survey: {id: pulse, title: 従業員パルス調査, audience: employee, mode: confidential, min_n: 5}
      wave: {every: quarter}
      answered_at: タイムスタンプ
      respondent: {column: 社員番号, as: id}
      org_unit: 所属
      invitations: 招待者一覧.csv
      questions:
        この会社を知人に勧めたいと思いますか: {code: enps, kind: nps}
        会社の目標に共感している:
          {code: goals, kind: rating, driver: identification, options: {そう思う: 5, どちらでもない: 3, そう思わない: 1}}
        辞めたいと思うことがある: {code: stay1, kind: rating, driver: retention, reversed: true}
        利用した制度: {code: programmes, kind: multiple, options: {"研修, 社内": training, 1on1: one_on_one}, other: other}
        年代: {code: age_group, kind: segment}
        ご意見: {code: comment, kind: text}
"""

from __future__ import annotations

from pipelines.sources.connection import Sheet
from pipelines.sources.layouts import find
from pipelines.sources.survey.base import AnswerColumn, Responses, SurveyFile, SurveyReader


class FormReader(SurveyReader):
    """One header row and one row per response; questions are keyed by their header."""

    def responses(self, sheet: Sheet) -> Responses:
        """Every row is a response, every configured header a question."""
        columns = find(sheet, list(self.questions))
        return Responses(sheet.rows, columns, {key: [AnswerColumn(column)] for key, column in columns.items()})


class FormCsv(FormReader, SurveyFile):
    """Files of that form."""
