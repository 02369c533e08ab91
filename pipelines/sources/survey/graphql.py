"""Any survey tool with a GraphQL API: connections.yaml holds the query and says which field is which question.

Data flow: each of `streams` -> POST <url>, the query with its variables, page by page -> as `rest`.

Quirks: an answer with `errors` is an error even where its status is 200.

    visitors:
      source: survey
      kind: graphql
      url: https://forms.example.com/graphql
      auth: {type: bearer, secret: FORMS_TOKEN}
      survey: {id: visitors, audience: public, mode: anonymous}
      wave: {every: month}
      questions:
        score: {code: nps, kind: nps}
      streams:
        responses:
          query: "query($after: String) { responses(after: $after) { nodes { id at score } pageInfo { hasNextPage endCursor } } }"
          records: responses.nodes
          paging: {type: cursor, param: after, path: responses.pageInfo.endCursor, more: responses.pageInfo.hasNextPage}
          newest_first: true
          columns: {response_id: id, answered_at: at}
"""

from __future__ import annotations

from pipelines.sources.survey.live import SurveyGraphqlStream, SurveyStreams


class GraphqlSurvey(SurveyStreams[SurveyGraphqlStream]):
    """A survey tool behind a GraphQL API."""

    @property
    def base(self) -> str:
        """The very address: GraphQL has one, and a slash more would be another."""
        return self.url
