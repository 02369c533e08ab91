"""The plan: initiatives, their subjects and their targets."""

from pipelines.sources.connection import Connection
from pipelines.sources.plan.plan_files import PlanFiles

KINDS: dict[str, type[Connection]] = {"plan_files": PlanFiles}
