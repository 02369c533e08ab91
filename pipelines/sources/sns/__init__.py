"""Social networks: our accounts and posts as counters, and what others post about the brand."""

from pipelines.sources.connection import Connection
from pipelines.sources.sns.accounts_csv import AccountsCsv
from pipelines.sources.sns.bluesky import Bluesky
from pipelines.sources.sns.facebook_pages import FacebookPages
from pipelines.sources.sns.graphql import GraphqlNetwork
from pipelines.sources.sns.instagram import Instagram
from pipelines.sources.sns.line import Line
from pipelines.sources.sns.mastodon import Mastodon
from pipelines.sources.sns.mentions_csv import MentionsCsv
from pipelines.sources.sns.posts_csv import PostsCsv
from pipelines.sources.sns.rest import RestNetwork
from pipelines.sources.sns.x import X
from pipelines.sources.sns.youtube import YouTube

KINDS: dict[str, type[Connection]] = {
    "accounts_csv": AccountsCsv,
    "mentions_csv": MentionsCsv,
    "posts_csv": PostsCsv,
    "bluesky": Bluesky,
    "facebook_pages": FacebookPages,
    "graphql": GraphqlNetwork,
    "instagram": Instagram,
    "line": Line,
    "mastodon": Mastodon,
    "rest": RestNetwork,
    "x": X,
    "youtube": YouTube,
}
