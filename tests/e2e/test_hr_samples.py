"""Turnover, activities and the link to engagement on the shipped samples, against the register's own rows and the planted
truths.
"""

import csv
import json
from datetime import date

import duckdb
import pytest

from pipelines.settings import PROJECT
from tests.e2e.conftest import Company

TRUTH = json.loads((PROJECT / "data_samples" / "truth.json").read_text(encoding="utf-8"))


def register() -> list[dict[str, str]]:
    """The newest row of each employee in the register."""
    with (PROJECT / "data_samples" / "hr" / "people" / "employees.csv").open(encoding="cp932", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["適用日"])
    return list({row["社員番号"]: row for row in rows}.values())


def test_the_years_turnover_is_that_of_the_register(samples: Company) -> None:
    people = register()
    there = [row for row in people if row["入社日"] < "2025-01-01" and not "0" < row["退職日"] < "2025-01-01"]
    left = [row for row in people if row["退職日"].startswith("2025")]
    assert (len(there), len(left)) == (168, 20)
    query = """select leavers_band, headcount, ci_low, ci_high, is_complete from rpt_turnover
        where org_unit = 'all' and turnover_method = 'mhlw_january' and month_start = ?"""
    band, headcount, low, high, is_complete = samples.query(query, date(2025, 12, 1))[0]
    assert (band, headcount, is_complete) == ("18-22", 170, True)
    assert low < len(left) / len(there) < high


def test_no_published_turnover_tells_of_single_leavers(samples: Company) -> None:
    told = "select count(*) from rpt_turnover where leavers_band = '0-4' and (turnover is not null or ci_low > 0)"
    exact = "select count(*) from rpt_turnover where headcount % 5 <> 0"
    hidden = "select count(*) from rpt_turnover where is_suppressed and coalesce(leavers_band, headcount::text) is not null"
    assert (samples.value(told), samples.value(exact), samples.value(hidden)) == (0, 0, 0)
    assert samples.value("select count(*) from rpt_turnover where leavers_band = '0-4'") > 0


def test_every_activity_of_the_samples_counts_once_for_the_company(samples: Company) -> None:
    kinds = {"1on1": "one_on_one", "研修": "training", "改善提案": "suggestion", "全社会": "town_hall"}
    with duckdb.connect(str(samples.home / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("select kind, sum(events) from fct_employee_activities where org_unit = 'all' group by kind")
        found = {kind: int(events) for kind, events in rows.fetchall()}
    assert found == {kinds[kind]: events for kind, events in TRUTH["hr"]["activities_by_kind"].items()}


def test_the_planted_gap_between_most_and_least_engaged_units_is_found(samples: Company) -> None:
    """The truth follows people to the last day, 22 months; its ratio must lie within the interval of the first 12."""
    planted = TRUTH["turnover_by_engagement"]
    ratio = planted["most_engaged_quartile"]["left_share"] / planted["least_engaged_quartile"]["left_share"]
    query = """select difference, ratio, ratio_ci_low, ratio_ci_high, most_engaged_units, least_engaged_units
        from rpt_turnover_by_engagement where wave = '2024Q4' and outcome = 'turnover' and horizon_months = ?"""
    for horizon in (6, 12):
        difference, found, low, high, *units = samples.query(query, horizon)[0]
        assert difference < -0.2
        assert found < 1 / 3  # one or two left the most engaged: told as 0 to 4, counted as 2
        assert low < ratio < high
        assert units == [3, 3]


@pytest.mark.parametrize("horizon", [6, 12])
def test_a_window_that_reaches_past_the_last_day_has_no_figures(samples: Company, horizon: int) -> None:
    query = """select count(*), count(most_engaged_value) from rpt_turnover_by_engagement
        where horizon_months = ? and wave = '2026Q3' and suppress_reason = 'horizon_open'"""
    assert samples.query(query, horizon) == [(3, 0)]


def test_sales_per_head_are_the_stated_sales_and_the_rounded_headcount(samples: Company) -> None:
    rows = samples.query("""select headcount, sales_jpy, sales_per_head_jpy, units_n from rpt_business_unit_months
        where business_unit = 'all' and month_start = '2026-09-01'""")
    ((headcount, sales, per_head, units),) = rows
    assert (headcount, units) == (160, 4)
    assert float(per_head) == pytest.approx(float(sales) / 160)
