"""Daily counters of our own accounts from a platform's or a tool's export.

Data flow: <folder>/*.csv or *.xlsx -> sns.accounts, one row per account and day.

Quirks: followers are a standing number, reach and impressions are those of the day. LINE's `followers` never falls (friends who
block stay in it), so map `blocks` as well. A number the platform does not give stays empty.

    brand_line:
      source: sns
      kind: accounts_csv
      path: data_samples/sns/line_accounts
      platform: line
      account_id: our_brand
      day: {column: 日付}
      columns: {followers: 友だち, blocks: ブロック, reach: ターゲットリーチ}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pipelines.sources.connection import Frame, Sheet
from pipelines.sources.sns.base import CounterFile


class AccountsCsv(CounterFile):
    """One row per account and day."""

    tables: ClassVar[tuple[str, ...]] = ("accounts",)
    required: ClassVar[tuple[str, ...]] = ()

    def read(self, sheet: Sheet) -> Iterator[Frame]:
        """The file's accounts, each row on its day."""
        rows = self.read_counters(sheet)
        rows["business_date"] = rows["change_date"]
        yield Frame("accounts", rows)
