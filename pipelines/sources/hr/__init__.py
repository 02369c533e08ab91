"""Human resources: who works where since when, what was done with them, and the figures of their units."""

from pipelines.sources.connection import Connection
from pipelines.sources.hr.hr_files import HrFiles

KINDS: dict[str, type[Connection]] = {"hr_files": HrFiles}
