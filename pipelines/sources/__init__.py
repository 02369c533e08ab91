"""Every kind of connection the pipeline knows, by source and kind as an entry of connections.yaml names them."""

from pipelines.sources import ec, hr, plan, sns, survey
from pipelines.sources.connection import Connection

KINDS: dict[tuple[str, str], type[Connection]] = {
    (package.__name__.rpartition(".")[2], kind): model
    for package in (survey, ec, sns, hr, plan)
    for kind, model in package.KINDS.items()
}
