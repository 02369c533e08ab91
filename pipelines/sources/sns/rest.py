"""Any social network with a REST API: connections.yaml says where its lists are and which field is which column.

Data flow: each of `streams` -> GET <url>/<path>, page by page -> sns.accounts, sns.posts or sns.mentions.

Quirks: `records: "[@]"` takes an answer that is one object, such as a profile. A field the network leaves out of some records is
blank there; one it leaves out of all records of a page is told, unless `optional`: absent is not zero.

    our_network:
      source: sns
      kind: rest
      url: https://social.example.com/api/v1/
      auth: {type: bearer, secret: NETWORK_TOKEN}
      platform: other
      account_id: our_brand
      streams:
        profile:
          path: accounts/our_brand
          records: "[@]"
          table: accounts
          columns: {followers: followers_count, posts_total: statuses_count}
        posts:
          path: accounts/our_brand/statuses
          paging: {type: link_header}
          newest_first: true
          table: posts
          columns: {post_id: id, posted_at: created_at, likes: favourites_count, reposts: {path: reblogs_count, optional: true}}
        mentions:
          path: mentions
          paging: {type: cursor, path: next_cursor}
          records: items
          newest_first: true
          table: mentions
          columns: {post_id: id, author_pid: account.acct, posted_at: created_at, text: content}
"""

from __future__ import annotations

from pipelines.sources.sns.live import NetworkRestStream, NetworkStreams


class RestNetwork(NetworkStreams[NetworkRestStream]):
    """A social network behind a REST API."""
