"""Posts by others about the brand, from a listening tool or collected by hand.

Data flow: <folder>/*.csv or *.xlsx -> sns.mentions, one row per post.

Quirks: `author` is the handle of a person and lands as a pseudonym only. Of `text` only length and polarity land;
the tool's own `polarity` is kept where it gives one. A mention changes once,
when we first reply: it then lands again on the day of `first_reply_at`. `timestamps_in` as for posts.

    brand_mentions:
      source: sns
      kind: mentions_csv
      path: data_samples/sns/mentions
      platform: x
      account_id: our_brand
      columns:
        post_id: 投稿ID
        author: ユーザー名
        posted_at: 投稿日時
        text: 本文
        author_followers: フォロワー数
        is_incentivised: PR
        first_reply_at: 返信日時
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipelines.sources import cells
from pipelines.sources.connection import Frame, Sheet
from pipelines.sources.layouts import find, local_day, persons, readable
from pipelines.sources.polarity import add_polarity
from pipelines.sources.sns.base import SnsFile


class MentionsCsv(SnsFile):
    """One row per post by somebody else."""

    tables: ClassVar[tuple[str, ...]] = ("mentions",)
    required: ClassVar[tuple[str, ...]] = ("post_id", "posted_at")
    extra: ClassVar[tuple[str, ...]] = ("author", "text")

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The file's mentions, changed when posted or first replied to."""
        rows = self.read_columns(sheet)
        headers = find(sheet, list(self.columns.values()))
        if "author" in self.columns:
            authors = cells.identifier(sheet.rows[headers[self.columns["author"]]])
            rows["author_pid"] = persons(authors, "social", "handle", self.platform)
        if "text" in self.columns:
            add_polarity(rows, cells.text(sheet.rows[headers[self.columns["text"]]]))
        posted = readable(rows["posted_at"])
        replied = readable(rows["first_reply_at"]) if "first_reply_at" in rows else posted
        rows["updated_at"] = replied.where(replied.notna(), posted)
        rows["business_date"] = local_day(posted, self.zone)
        yield Frame("mentions", rows)
