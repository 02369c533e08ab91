"""Any social network with a GraphQL API: connections.yaml holds the queries and says which field is which column.

Data flow: each of `streams` -> POST <url>, the query with its variables, page by page -> as `rest`.

Quirks: an answer with `errors` is an error even where its status is 200.

    our_network:
      source: sns
      kind: graphql
      url: https://social.example.com/graphql
      auth: {type: bearer, secret: NETWORK_TOKEN}
      platform: other
      account_id: our_brand
      streams:
        posts:
          query: |
            query($after: String) {
              posts(first: 50, after: $after) { nodes { id at likes } pageInfo { hasNextPage endCursor } } }
          records: posts.nodes
          paging: {type: cursor, param: after, path: posts.pageInfo.endCursor, more: posts.pageInfo.hasNextPage}
          newest_first: true
          table: posts
          columns: {post_id: id, posted_at: at, likes: likes}
"""

from __future__ import annotations

from pipelines.sources.sns.live import NetworkGraphqlStream, NetworkStreams


class GraphqlNetwork(NetworkStreams[NetworkGraphqlStream]):
    """A social network behind a GraphQL API."""

    @property
    def base(self) -> str:
        """The very address: GraphQL has one, and a slash more would be another."""
        return self.url
