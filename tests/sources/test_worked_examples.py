"""The worked examples of docs/connections.md: the answers shown, read by the entry shown, give the rows shown."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from vendors.base import NightClock, Reply, Request
from vendors.scripted import Server

from pipelines.settings import PROJECT
from pipelines.sources import KINDS
from pipelines.sources.connection import Window
from pipelines.sources.credentials import Secrets
from pipelines.sources.live import LiveConnection

PAGE = (PROJECT / "docs" / "connections.md").read_text(encoding="utf-8")
DAY = date(2026, 9, 30)
NIGHT = datetime(2026, 9, 30, 17, tzinfo=UTC)  # 02:00 of 1 October in Tokyo


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shown(value: Any) -> str:
    """A cell as the page writes it."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


@pytest.mark.parametrize("kind", ["ec/rest", "survey/rest", "sns/rest"])
def test_the_answers_of_the_page_land_as_the_page_says(kind: str, server: Server) -> None:
    section = re.search(rf"^### {kind}\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE)
    assert section is not None
    text = section[1]
    paths = re.findall(r"`GET ([^`]+)` answers", text)
    answers = dict(zip([f"/{path}" for path in paths], map(json.loads, blocks(text, "json")), strict=True))

    def answer(request: Request) -> Reply:
        body = answers[request.path]
        is_first = request.query.get("page", "1") == "1"
        return Reply(body if is_first or isinstance(body, list) else {**body, "items": []})

    server.vendor.script = answer
    ((name, entry),) = yaml.safe_load(blocks(text, "yaml")[0])["connections"].items()
    model = KINDS[entry.pop("source"), entry["kind"]]
    connection = model.model_validate({**entry, "name": name, "url": server.url})
    assert isinstance(connection, LiveConnection)
    secrets = Secrets(dict.fromkeys(connection.secret_names(), "secret-1234"))
    api = connection.api(secrets, NightClock(NIGHT), server.said.append)
    made: dict[str, list[dict[str, str]]] = {}
    for page in connection.pages(api, Window(DAY, DAY)):
        for frame in connection.read(page):
            rows = [{column: shown(cell) for column, cell in row.items()} for row in frame.rows.to_dict("records")]
            made.setdefault(f"{connection.source}.{frame.table}", []).extend(rows)
    api.close()
    assert {request.path for request in server.vendor.requests} == set(answers)
    told = [line.split(" ") for line in blocks(text, "text")[0].splitlines()]
    for table, *cells in told:
        wanted = dict(cell.split("=") for cell in cells)
        assert [row for row in made[table] if wanted.items() <= row.items()], f"{table} {wanted}\n{made[table]}"
    # Nothing more lands of these tables; a survey's own description stands in its entry.
    for table in {line[0] for line in told}:
        assert len(made[table]) == sum(line[0] == table for line in told), str(made[table])
