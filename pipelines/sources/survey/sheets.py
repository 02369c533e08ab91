"""What live surveys share whose server gives tables of text, as an export does: the way from such a table to a page and back.

Data flow: a table, one row per response -> the rows of the window -> `Page` (a record per row, with its number in `_row`) ->
`Sheet` -> the reading rules of the file kind with the same layout.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime

import numpy as np
import pandas as pd

from pipelines.sources import cells
from pipelines.sources.connection import Sheet, Window
from pipelines.sources.layouts import find, local_day
from pipelines.sources.live import LiveConnection, Page
from pipelines.sources.survey.base import SurveyReader

ROW = "_row"


class LiveSheets(SurveyReader, LiveConnection):
    """A live survey read by the rules of a file kind."""

    @abstractmethod
    def sheet_of(self, page: Page) -> Sheet:
        """The page as the file kind would have read it from a file."""

    def answered_within(self, sheet: Sheet, window: Window) -> pd.DataFrame:
        """The rows of the window's days: the survey itself is dated by them. One whose time cannot be read stays, to be told."""
        column = find(sheet, [self.answered_at])[self.answered_at]
        days = local_day(cells.timestamp(sheet.rows[column], self.zone, self.date_format), self.zone)
        return sheet.rows.loc[np.array([day is None or day in window for day in days], dtype=bool)]


def page_of(stream: str, number: int, rows: pd.DataFrame, read_at: datetime) -> Page:
    """The rows as a page; their index goes along."""
    records = [{ROW: row, **record} for row, record in zip(rows.index, rows.to_dict("records"), strict=True)]
    return Page(stream, number, int(rows.index[0]), records, read_at)


def rows_of(page: Page) -> pd.DataFrame:
    """The rows of a page that `page_of` made."""
    rows = pd.DataFrame(list(page.records)).set_index(ROW)
    return rows.rename_axis(None).astype("str")
