"""LINE beyond what the conformance suite asks of every kind: when a day's figures land, and what is not ready."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from test_live_conformance import DAY, NOON, Night, night
from vendors.line import LineAccount

from pipelines.sources.credentials import Secrets
from pipelines.sources.sns.line import Line
from pipelines.sources.trial import try_connection

ONE = timedelta(days=1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Night]:
    with night(LineAccount, tmp_path / "home") as made:
        made.seed(*(NOON - ONE * back for back in (2, 1, 0, -1)))  # the figures of the 23rd, 24th, 25th, 26th
        yield made


def test_the_night_after_a_day_reads_the_day_before_it(line: Night) -> None:
    assert line.land(DAY).error is None
    (row,) = line.rows()
    counted = {name: row[name] for name in ("account_id", "platform", "followers", "blocks", "reach", "following")}
    assert counted == {
        "account_id": "@brand", "platform": "line", "followers": 7623, "blocks": 237, "reach": 5848, "following": None,
    }  # fmt: skip
    assert (row["day"], row["business_date"], row["change_date"]) == (DAY - ONE, DAY - ONE, DAY)
    assert [request.query for request in line.vendor.requests] == [{"date": "20261125"}]


def test_past_days_can_be_landed_at_any_time_and_each_is_asked_for_once(line: Night) -> None:
    assert line.land(DAY - 2 * ONE, DAY).error is None
    assert [(row["day"], row["followers"]) for row in line.rows()] == [(DAY - ONE * n, 7624 - n) for n in (3, 2, 1)]
    assert len(line.vendor.requests) == 3


def test_60_requests_an_hour_are_kept(line: Night) -> None:
    line.land(DAY - 2 * ONE, DAY)
    assert sum(line.clock.slept) == pytest.approx(120)


def test_what_is_not_counted_yet_lands_nothing_and_is_read_by_the_next_night(line: Night) -> None:
    line.vendor.counted_until = "20261124"  # type: ignore[attr-defined]
    pulled = line.land(DAY - ONE, DAY)
    assert "LINE has not counted 2026-11-25 yet" in str(pulled.error)
    assert line.rows() == []
    line.vendor.counted_until = "20261126"  # type: ignore[attr-defined]
    line.clock.time += ONE
    assert line.land(DAY - ONE, DAY + ONE).error is None
    assert [row["day"] for row in line.rows()] == [DAY - ONE * 2, DAY - ONE, DAY]


def test_a_look_shows_the_newest_day_that_is_counted(line: Night) -> None:
    line.vendor.counted_until = "20261125"  # type: ignore[attr-defined]
    looked = list(try_connection(line.connection, Secrets(line.vendor.secrets), line.clock, line.said.append))
    assert [page.tables[0].rows[0]["day"] for page in looked] == ["2026-11-25"]


def test_days_before_line_counted_have_no_row(line: Night) -> None:
    assert line.land(date(2026, 10, 31), date(2026, 11, 1)).error is None
    assert line.rows() == []


def test_a_reach_that_is_not_known_is_not_zero(line: Night) -> None:
    del line.vendor.records[2]["targetedReaches"]
    assert line.land(DAY).error is None
    assert [row["reach"] for row in line.rows()] == [None]


def test_the_days_of_line_are_those_of_japan() -> None:
    with pytest.raises(ValueError, match="time_zone"):
        Line.model_validate({"name": "l", "kind": "line", "account_id": "a", "secret": "LINE_TOKEN", "time_zone": "Europe/Paris"})
