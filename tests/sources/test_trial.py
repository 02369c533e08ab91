"""`engagement connect try` and `engagement doctor` on live connections, by the way a person calls them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result
from vendors.base import Reply, served
from vendors.generic import LinkedShop

from pipelines.cli import app

TOKEN = LinkedShop.secrets["LINKED_TOKEN"]


class Desk:
    """A connections.yaml with one live shop, and a terminal."""

    def __init__(self, folder: Path, url: str, vendor: LinkedShop) -> None:
        self.folder, self.vendor = folder, vendor
        stream = vendor.connection(url).model_dump(mode="json", exclude_unset=True)["streams"]["orders"]
        self.entry: dict[str, Any] = {
            "source": "ec", "kind": "rest", "url": url, "auth": {"type": "bearer", "secret": "LINKED_TOKEN"},
            "streams": {"orders": stream}, "tax_included": True, "limits": {"attempts": 1},
        }  # fmt: skip

    def call(self, *arguments: str) -> Result:
        company = {"name": "Minamo", "first_day": "2026-10-01"}
        text = yaml.safe_dump({"company": company, "connections": {"linked": self.entry}})
        (self.folder / "connections.yaml").write_text(text)
        return CliRunner().invoke(app, arguments)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ENGAGEMENT_CONNECTIONS", str(tmp_path / "connections.yaml"))
    monkeypatch.setenv("ENGAGEMENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LINKED_TOKEN", TOKEN)
    vendor = LinkedShop()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
    vendor.records = [vendor.record(number, yesterday + timedelta(seconds=number)) for number in range(1, 6)]
    with served(vendor) as url:
        yield Desk(tmp_path, url, vendor)


def test_one_page_is_shown_as_it_would_land_and_nothing_is_written(desk: Desk) -> None:
    result = desk.call("connect", "try", "linked")
    assert result.exit_code == 0, result.output
    assert "orders page 1: 3 records" in result.output
    assert "order_id=A5" in result.output
    assert "ec.order_lines: 6 rows" in result.output
    assert "mail_pid=*** (mail, becomes a pseudonym)" in result.output
    assert "hanako" not in result.output
    assert TOKEN not in result.output
    assert len(desk.vendor.requests) == 1
    assert not (desk.folder / "home").exists()


def test_what_is_missing_unreadable_and_ignored_is_told(desk: Desk) -> None:
    columns = desk.entry["streams"]["orders"]["columns"]
    del columns["ordered_at"]
    for record in desk.vendor.records:
        record |= {"total": "many", "gift": True}
    result = desk.call("connect", "try", "linked")
    assert result.exit_code == 1
    assert "missing ordered_at" in result.output
    assert "cannot be read total_amount: total 'many' not a number" in result.output
    assert "ignored fields of the source: placed, gift" in result.output
    assert "not filled: phone_pid" in result.output


def test_a_source_that_refuses_is_told_in_one_line(desk: Desk) -> None:
    desk.vendor.traps.append(lambda request: Reply({"detail": request.headers["authorization"]}, 401))
    result = desk.call("connect", "try", "linked")
    assert result.exit_code == 2
    assert "error linked: http://127.0.0.1" in result.output
    assert "answered 401: Bearer ***" in result.output
    assert len(result.output.splitlines()) == 1


def test_doctor_says_which_secrets_are_missing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "linked (ec/rest): ok secrets are set" in desk.call("doctor").output
    monkeypatch.delenv("LINKED_TOKEN")
    result = desk.call("doctor")
    assert result.exit_code == 1
    assert "linked (ec/rest): wrong the environment variable LINKED_TOKEN is not set" in result.output
    assert desk.call("connect", "try", "linked").exit_code == 2


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("auth", "secret"), TOKEN, "linked.auth.bearer.secret: names the environment variable"),
        (("auth", "secrt"), "X", "linked.auth.bearer.secrt: unknown key; did you mean secret?"),
        (("streams", "orders", "colums"), {}, "linked.streams.orders.colums: unknown key; did you mean columns?"),
        (("streams", "orders", "table"), "order", "streams.orders: there is no table 'order'"),
        (("url",), "http://shop.example.com/", "linked.url: http://shop.example.com is not safe for secrets; use https"),
        (("limits", "attempts"), 0, "linked.limits.attempts: Input should be greater than or equal to 1"),
    ],
)
def test_a_mistake_in_the_entry_is_named_without_the_secret(desk: Desk, place: tuple[str, ...], value: Any, told: str) -> None:
    *folders, last = place
    entry = desk.entry
    for folder in folders:
        entry = entry[folder]
    entry[last] = value
    result = desk.call("doctor")
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
    assert TOKEN not in result.output


def test_a_name_that_is_no_live_connection_is_told(desk: Desk) -> None:
    assert "there is no connection 'shop'; connections.yaml has linked" in desk.call("connect", "try", "shop").output
