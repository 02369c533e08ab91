"""Nights over four live servers at once, as a person at a terminal runs them; one server is killed while it is read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.e2e.conftest import Company
from tests.integration import ask
from tests.integration.bluesky.server import PASSWORD, Bluesky
from tests.integration.oscar.server import Oscar
from tests.integration.pretalx.server import Pretalx
from tests.integration.pulling import FIRST_NIGHT, TOKYO, entries
from tests.integration.vendure.server import PASSWORD as SHOP_PASSWORD
from tests.integration.vendure.server import Vendure

OTHERS = ("vendure", "pretalx", "bluesky")


@dataclass
class Night:
    """A company with four live servers, whose history begins with `FIRST_NIGHT`."""

    company: Company
    oscar: Oscar
    vendure: Vendure
    pretalx: Pretalx
    bluesky: Bluesky

    def landed(self, table: str, column: str) -> int:
        """Distinct values in the landing zone of one source's table and connection: `ec/orders/oscar`."""
        folder, _, connection = table.rpartition("/")
        files = [str(file) for file in (self.company.home / "landing" / folder).glob(f"month=*/{connection}.parquet")]
        if not files:
            return 0
        return int(duckdb.sql(f"select count(distinct {column}) from read_parquet({files})").fetchall()[0][0])

    def placed(self, first: date, last: date) -> tuple[int, Decimal]:
        """Number and total of the orders of these days in the database of the first shop."""
        days = "date_placed >= ? and date_placed < ?", (_midnight(first), _midnight(last + timedelta(days=1)))
        ((number, total),) = ask.rows(
            self.oscar.database, f"select count(*), sum(total_incl_tax) from order_order where {days[0]}", *days[1]
        )
        return number, Decimal(str(total))

    def bought(self) -> tuple[int, Decimal]:
        """Number and total of the orders in the second shop, as its administrator sees them."""
        totals = [total for total, _ in self.vendure.stated().values()]
        return len(totals), Decimal(sum(totals)) / 100

    def handed_in(self, first: date, last: date) -> int:
        """Forms of these days in the database of the form server."""
        answers = ask.rows(self.pretalx.database, "select answer from submission_answer where question_id = 4")
        return sum(first <= datetime.fromisoformat(one).astimezone(TOKYO).date() <= last for (one,) in answers)


def _midnight(day: date) -> str:
    """The instant a day begins in Tokyo, as django writes it into SQLite."""
    return f"{datetime.combine(day, datetime.min.time(), TOKYO).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@pytest.fixture
def night(
    oscar: Oscar, vendure: Vendure, pretalx: Pretalx, bluesky: Bluesky, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Night]:
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
    content = entries(FIRST_NIGHT, "oscar", *OTHERS)
    content["connections"]["oscar"]["limits"] = {"attempts": 2}
    (tmp_path / "connections.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    yield Night(Company(tmp_path / "connections.yaml", tmp_path / "home"), oscar, vendure, pretalx, bluesky)
    oscar.start()  # other tests want it, too


def kill_while_it_is_read(shop: Oscar, reader: subprocess.Popen[str]) -> None:
    """Kill the shop once the lines of some orders have been read, but not of all."""
    before = shop.process.said().count("/lines/")
    while shop.process.said().count("/lines/") < before + 3:
        assert reader.poll() is None, "the night ended before the shop was read"
        time.sleep(0.01)
    shop.process.kill()


def test_a_server_that_dies_is_named_the_others_land_and_the_next_night_has_everything(night: Night) -> None:
    running = night.company.start("run", "--date", FIRST_NIGHT.isoformat())
    kill_while_it_is_read(night.oscar, running)
    output, errors = running.communicate()
    assert running.returncode == 1, output + errors
    assert "failed oscar:" in output
    assert [name for name in OTHERS if f"failed {name}" in output] == []
    assert night.landed("ec/orders/oscar", "order_id") == 0
    assert night.landed("ec/orders/vendure", "order_id") == night.bought()[0] > 0
    assert night.landed("survey/answers/pretalx", "response_id") == night.handed_in(FIRST_NIGHT, FIRST_NIGHT) > 0
    assert len(night.bluesky.seeded["fans"]) == night.landed("sns/mentions/bluesky", "post_id") > 0
    assert not (night.company.home / "releases" / "current").exists()

    night.oscar.start()
    last = datetime.now(TOKYO).date() - timedelta(days=1)
    done = night.company.run("run", "--date", last.isoformat())
    assert done.returncode == 0, done.stdout + done.stderr
    number, total = night.placed(FIRST_NIGHT, last)
    assert number >= 24
    assert night.company.query("select shop, count(*), sum(total_amount) from fct_orders group by all order by all") == [
        ("oscar", number, total),
        ("vendure", *night.bought()),
    ]
    assert night.landed("survey/answers/pretalx", "response_id") == night.handed_in(FIRST_NIGHT, last) >= 24
    own = night.bluesky.seeded["did"]
    assert night.landed("sns/posts/bluesky", "post_id") == night.bluesky.count("post", f"creator = '{own}'")
    assert night.company.value("select max(followers) from fct_sns_account_days") == len(night.bluesky.seeded["fans"])
