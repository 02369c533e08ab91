"""Nights over four live servers at once, as a person at a terminal runs them; one server is killed while it is read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml

from tests.e2e.conftest import Company
from tests.integration import ask
from tests.integration.bluesky.server import PASSWORD, Bluesky
from tests.integration.install import Missing
from tests.integration.oscar.server import Oscar
from tests.integration.pretalx.server import Pretalx
from tests.integration.pulling import entries
from tests.integration.vendure.server import PASSWORD as SHOP_PASSWORD
from tests.integration.vendure.server import Vendure

TOKYO = ZoneInfo("Asia/Tokyo")
ORDERS = 75  # one an hour: all of yesterday and of the day before it, whatever the hour is now
PURCHASES = 8


@dataclass
class Night:
    """A company with four live servers, whose history began the day before yesterday."""

    company: Company
    oscar: Oscar
    vendure: Vendure
    pretalx: Pretalx
    yesterday: date

    def landed(self, table: str, column: str = "*") -> int:
        """Rows (or distinct values) in the landing zone of one source's table and connection: `ec/orders/oscar`."""
        folder, _, connection = table.rpartition("/")
        files = list((self.company.home / "landing" / folder).glob(f"month=*/{connection}.parquet"))
        what = "count(*)" if column == "*" else f"count(distinct {column})"
        found = f"read_parquet({[str(file) for file in files]})"
        return int(duckdb.sql(f"select {what} from {found}").fetchall()[0][0]) if files else 0

    def placed(self, *days: date) -> int:
        """Orders of these days in the database of the first shop."""
        instants = [one for (one,) in ask.rows(self.oscar.database, "select date_placed from order_order")]
        return sum(datetime.fromisoformat(one).replace(tzinfo=UTC).astimezone(TOKYO).date() in days for one in instants)

    def handed_in(self, *days: date) -> int:
        """Forms of these days in the database of the form server."""
        answers = ask.rows(self.pretalx.database, "select answer from submission_answer where question_id = 4")
        return sum(datetime.fromisoformat(one).astimezone(TOKYO).date() in days for (one,) in answers)

    def bought(self) -> int:
        """Orders in the second shop, as its administrator counts them."""
        query = "{orders(options: {filter: {active: {eq: false}}}) {totalItems}}"
        return int(self.vendure.admin().ask(query)["orders"]["totalItems"])


@pytest.fixture
def night(bluesky: Bluesky, pretalx: Pretalx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    yesterday = datetime.now(TOKYO).date() - timedelta(days=1)
    (tmp_path / "vendure").mkdir()
    (tmp_path / "oscar").mkdir()
    try:
        oscar, vendure = Oscar(tmp_path / "oscar"), Vendure(tmp_path / "vendure", hours_behind=24)
    except Missing as missing:
        pytest.skip(str(missing))
    try:
        oscar.place(0, ORDERS)
        oscar.start()
        vendure.start()
        vendure.place(0, PURCHASES)
        for name, value in {
            "OSCAR_URL": oscar.url,
            "OSCAR_TOKEN": oscar.token,
            "VENDURE_URL": vendure.url,
            "VENDURE_PASSWORD": SHOP_PASSWORD,
            "PRETALX_URL": pretalx.url,
            "PRETALX_TOKEN": pretalx.token,
            "BLUESKY_URL": bluesky.url,
            "BLUESKY_PASSWORD": PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        content = entries(yesterday - timedelta(days=1), "oscar", "vendure", "pretalx", "bluesky")
        content["connections"]["oscar"]["limits"] = {"attempts": 2}
        (tmp_path / "connections.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        yield Night(Company(tmp_path / "connections.yaml", tmp_path / "home"), oscar, vendure, pretalx, yesterday)
    finally:
        oscar.process.stop()
        vendure.process.stop()


def kill_while_it_is_read(shop: Oscar, reader: subprocess.Popen[str]) -> None:
    """Kill the shop once the lines of some orders have been read, but not of all."""
    while shop.process.said().count("/lines/") < 3:
        assert reader.poll() is None, "the night ended before the shop was read"
        time.sleep(0.01)
    shop.process.kill()


def test_a_server_that_dies_is_named_the_others_land_and_the_next_night_has_everything(night: Night, bluesky: Bluesky) -> None:
    first, second = night.yesterday - timedelta(days=1), night.yesterday
    running = night.company.start("run", "--date", first.isoformat())
    kill_while_it_is_read(night.oscar, running)
    output, errors = running.communicate()
    assert running.returncode == 1, output + errors
    assert "failed oscar:" in output
    assert [name for name in ("vendure", "pretalx", "bluesky") if f"failed {name}" in output] == []
    assert night.landed("ec/orders/oscar") == 0
    assert night.landed("survey/answers/pretalx", "response_id") == night.handed_in(first) > 0
    assert not (night.company.home / "releases" / "current").exists()

    night.oscar.start()
    done = night.company.run("run", "--date", second.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    assert night.landed("ec/orders/oscar") == night.placed(first, second) >= 48
    assert night.landed("ec/orders/vendure") == night.bought() == PURCHASES
    assert night.landed("survey/answers/pretalx", "response_id") == night.handed_in(first, second) > 24
    own = bluesky.seeded["did"]
    assert night.landed("sns/posts/bluesky", "post_id") == bluesky.count("post", f"creator = '{own}'")
    shops = night.company.query("select shop, count(*) from fct_orders group by all order by all")
    assert shops == [("oscar", night.placed(first, second)), ("vendure", PURCHASES)]
    assert night.company.value("select max(followers) from fct_sns_account_days") == len(bluesky.seeded["fans"])
