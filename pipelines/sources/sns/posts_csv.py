"""Counters of our own posts from a platform's or a tool's export.

Data flow: <folder>/*.csv or *.xlsx -> sns.posts, one row per post and day of reading.

Quirks: counters are totals since the post, so a file says nothing without the day it was read: `day` takes it from a column,
from the file's name, or as one fixed day. Timestamps are often in another zone than our days: `timestamps_in: UTC`; an offset in
the text wins over both. Identifiers may be addresses; those a spreadsheet has rounded are refused.

    brand_x_posts:
      source: sns
      kind: posts_csv
      path: data_samples/sns/x_posts
      platform: x
      account_id: our_brand
      day: {file_name: 'posts_(\\d{4}-\\d{2}-\\d{2})'}
      timestamps_in: UTC
      columns: {post_id: Post id, posted_at: Date, impressions: Impressions, likes: Likes, replies: Replies, reposts: Reposts}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipelines.sources.connection import Frame, Sheet
from pipelines.sources.layouts import local_day
from pipelines.sources.sns.base import CounterFile


class PostsCsv(CounterFile):
    """One row per post, with its counters so far."""

    tables: ClassVar[tuple[str, ...]] = ("posts",)
    required: ClassVar[tuple[str, ...]] = ("post_id", "posted_at")

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The file's posts, changed on the day their counters were read."""
        rows = self.read_counters(sheet)
        rows["business_date"] = local_day(rows["posted_at"], self.zone)
        yield Frame("posts", rows)
