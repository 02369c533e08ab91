"""What named survey tools share whose answers come as records: a token, and options that name fields of a response.

Data flow: the tool's list of responses (each kind says where it is) -> `SurveyRecords`. `respondent.column`, `org_unit`, `weight`
and `wave.column` are paths in a response; a response without the field has none.
"""

from __future__ import annotations

import pandas as pd
from pydantic import Field, model_validator

from pipelines.sources.connection import Sheet
from pipelines.sources.credentials import Secret
from pipelines.sources.live import Page
from pipelines.sources.mapped import Unit
from pipelines.sources.survey.live import SurveyRecords, SurveyStream


class SurveyTool(SurveyRecords):
    """A tool whose list and fields the kind knows."""

    secret: Secret
    page_size: int = Field(default=100, ge=1)
    invitations: None = None

    @model_validator(mode="after")
    def _paths_are_paths(self) -> SurveyTool:
        self.lists()
        return self

    def placed(self) -> dict[str, Unit]:
        """The columns that options place in a response, by their paths."""
        return {name: Unit(path=path, optional=True) for name, path in self._named().items()}

    def _named(self) -> dict[str, str]:
        respondent = None if self.respondent is None else self.respondent.column
        named = {"respondent": respondent, "org_unit": self.org_unit, "weight": self.weight, "wave": self.wave.column}
        return {name: path for name, path in named.items() if path is not None}

    def _sheet(self, stream: SurveyStream, page: Page) -> Sheet:
        # The reading rules look for columns of the names that the options hold.
        sheet = super()._sheet(stream, page)
        paths = {path: sheet.rows[name] for name, path in self._named().items()}
        return Sheet(sheet.file, pd.concat([sheet.rows, pd.DataFrame(paths, index=sheet.rows.index)], axis=1))
