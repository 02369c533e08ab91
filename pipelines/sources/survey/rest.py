"""Any survey tool with a REST API: connections.yaml says where its responses are and which field is which question.

Data flow: each of `streams` -> GET <url>/<path>, page by page -> survey.surveys, survey.questions, survey.answers; a stream of
table `invitations` -> survey.invitations.

Quirks: a choice is told by its text or its code, whatever `value` finds; several choices are a list, or several items with the
same question. Of a free text only the length is kept.

    visitors:
      source: survey
      kind: rest
      url: https://forms.example.com/api/
      auth: {type: header, header: Authorization, prefix: "Token ", secret: FORMS_TOKEN}
      survey: {id: visitors, title: 来場者調査, audience: customer, mode: identified}
      wave: {every: quarter}
      respondent: {as: mail}
      questions:
        nps: {code: nps, kind: nps}
        reasons: {code: reasons, kind: multiple, options: {味: taste, 価格: price}, other: other}
      streams:
        responses:
          path: forms/12/responses
          records: items
          paging: {type: page, size: 100}
          since: {param: since}
          columns: {response_id: id, answered_at: submitted_at, respondent: user.email}
          answers: {each: answers, question: field.ref, value: value}
"""

from __future__ import annotations

from pipelines.sources.survey.live import SurveyRestStream, SurveyStreams


class RestSurvey(SurveyStreams[SurveyRestStream]):
    """A survey tool behind a REST API."""
