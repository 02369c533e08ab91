"""Real records through the same job, by connections of the shipped kinds alone; the answers are those their authors published."""

import csv
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from pipelines.settings import PROJECT
from tests.e2e.conftest import Company

DATA = Path(os.environ.get("ENGAGEMENT_REAL_DATA", PROJECT.parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data sets are not at {DATA}; set ENGAGEMENT_REAL_DATA")


def connections() -> dict[str, object]:
    return {
        "company": {"name": "Real data", "first_day": "1997-01-01"},
        "connections": {
            "online_retail": {
                "source": "ec",
                "kind": "mapped_csv",
                "path": str(DATA / "ec_online_retail_slice"),
                "pattern": "*.csv",
                "time_zone": "Europe/London",
                "grain": "line",
                "currency": "GBP",
                "columns": {
                    "order_id": "InvoiceNo",
                    "customer_id": "CustomerID",
                    "ordered_at": "InvoiceDate",
                    "sku": "StockCode",
                    "product_name": "Description",
                    "quantity": "Quantity",
                    "unit_price": "UnitPrice",
                },
                "cancellation": {"prefix": "C", "column": "order_id"},
            },
            "cdnow": {
                "source": "ec",
                "kind": "mapped_csv",
                "path": str(DATA / "ec_cdnow"),
                "pattern": "CDNOW_sample.txt",
                "time_zone": "America/New_York",
                "grain": "line",
                "currency": "USD",
                "whitespace": True,
                "header": ["master_id", "sample_id", "date", "cds", "dollars"],
                "columns": {
                    "order_id": ["master_id", "date"],
                    "customer_id": "master_id",
                    "ordered_at": "date",
                    "quantity": "cds",
                    "amount": "dollars",
                },
                "order_id_per_row": True,
                "date_format": "%Y%m%d",
            },
            "masculinity": {
                "source": "survey",
                "kind": "form_csv",
                "path": str(DATA / "survey_weighted"),
                "pattern": "raw-responses.csv",
                "time_zone": "America/New_York",
                "survey": {
                    "id": "masculinity",
                    "title": "Masculinity survey",
                    "audience": "public",
                    "mode": "anonymous",
                    "min_n": 100,
                },
                "wave": {"fixed": "2018-05"},
                "response_id": "",
                "answered_at": "EndDate",
                "date_format": "%m/%d/%y %H:%M",
                "weight": "weight",
                "missing": ["NA"],
                "questions": {
                    **{code: {"code": code, "kind": "single"} for code in ("q0001", "q0002", "q0005")},
                    **{code: {"code": code, "kind": "segment"} for code in ("age3", "race2", "kids", "orientation")},
                },
            },
            "tweets": {
                "source": "sns",
                "kind": "posts_csv",
                "path": str(DATA / "sns_tweet_metrics"),
                "pattern": "*.csv",
                "platform": "x",
                "timestamps_in": "UTC",
                "date_format": "%m/%d/%y %H:%M",
                "day": {"fixed": "2017-11-30"},
                "columns": {
                    "post_id": "url",
                    "account_id": "user",
                    "posted_at": "created_at",
                    "replies": "replies",
                    "reposts": "retweets",
                    "likes": "favorites",
                },
            },
        },
    }


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("real")
    (folder / "connections.yaml").write_text(yaml.safe_dump(connections(), sort_keys=False))
    company = Company(folder / "connections.yaml", folder / "home")
    done = company.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return company


def test_online_retail_459_cancelled_lines_are_adjustments(real: Company) -> None:
    query = "select count(*) from fct_order_adjustments where shop = 'online_retail' and adjustment_type = 'cancel'"
    assert real.value(query) == 459


def test_online_retail_orders_customers_and_gross_without_the_cancelled(real: Company) -> None:
    query = """select count(*), count(distinct customer_key), sum(gross_amount) from fct_orders
        where shop = 'online_retail' and customer_key is not null"""
    assert real.query(query) == [(886, 217, Decimal("324455.38"))]


def test_online_retail_136_of_217_customers_order_again(real: Company) -> None:
    query = """select customers_to_date, repeat_customers_by_order, round(100 * repeat_rate_by_order_to_date, 2)
        from rpt_customer_months where shop = 'online_retail' order by month_start desc limit 1"""
    assert real.query(query) == [(217, 136, 62.67)]


def test_online_retail_cohort_of_the_first_month(real: Company) -> None:
    query = """select active_customers from rpt_customer_cohorts
        where shop = 'online_retail' and cohort_month = date '2010-12-01' and months_since <= 12 order by months_since"""
    assert [row[0] for row in real.query(query)] == [48, 17, 16, 18, 17, 24, 16, 22, 18, 24, 16, 24, 11]


def test_cdnow_purchases_pieces_and_dollars(real: Company) -> None:
    query = "select count(*), count(distinct customer_key), sum(units), sum(gross_amount) from fct_orders where shop = 'cdnow'"
    assert real.query(query) == [(6919, 2357, 16479, Decimal("244091.94"))]


def test_cdnow_1139_customers_buy_on_more_than_one_day(real: Company) -> None:
    query = """select repeat_customers_by_day, round(100 * repeat_rate_to_date, 2) from rpt_customer_months
        where shop = 'cdnow' order by month_start desc limit 1"""
    assert real.query(query) == [(1139, 48.32)]


def test_cdnow_repeaters_and_repeat_purchases_up_to_september_1997(real: Company) -> None:
    query = """select repeat_customers_by_day, repeat_purchases_to_date from rpt_customer_months
        where shop = 'cdnow' and month_start = date '1997-09-01'"""
    assert real.query(query) == [(946, 2457)]


COLUMNS = {
    2: ("all", "all"),
    3: ("age3", "18 - 34"),
    4: ("age3", "35 - 64"),
    5: ("age3", "65 and up"),
    6: ("race2", "White"),
    7: ("race2", "Non-white"),
    8: ("kids", "Has children"),
    9: ("kids", "No children"),
    10: ("orientation", "Straight"),
    11: ("orientation", "Gay/Bisexual"),
}
QUESTIONS = {
    'In general, how masculine or "manly" do you feel?': "q0001",
    "How important is it to you that others see you as masculine?": "q0002",
    "Do you think that society puts pressure on men in a way that is unhealthy or bad for them?": "q0005",
}


def published_cells() -> Iterator[tuple[str, str, str, str, str]]:
    """question, option, segment question, segment value, published percentage."""
    question = None
    with (DATA / "survey_weighted" / "published_toplines.csv").open(encoding="utf-8") as file:
        for row in csv.reader(file):
            if row[0]:
                question = QUESTIONS.get(row[0])
            elif question and row[1]:
                for column, (segment, value) in COLUMNS.items():
                    yield question, row[1], segment, value, row[column]


def test_survey_130_of_130_published_cells_are_equal(real: Company) -> None:
    query = """select question_code, option_code, segment_question, segment_value, weighted_share
        from rpt_survey_results where survey_id = 'masculinity'"""
    ours = {tuple(row[:4]): row[4] for row in real.query(query)}
    cells = list(published_cells())
    assert len(cells) == 130
    # An option nobody in the segment chose has no row: that is 0 %.
    different = [cell for cell in cells if f"{100 * (ours.get(cell[:4]) or 0):.0f}%" != cell[4]]
    assert different == []


def test_survey_segments_under_100_respondents_are_blank(real: Company) -> None:
    query = """select
        count(*) filter (where n >= 100 and weighted_share is null),
        count(*) filter (where n < 100 and weighted_share is not null)
        from rpt_survey_results where survey_id = 'masculinity'"""
    assert real.query(query) == [(0, 0)]


def test_sns_posts_and_counters_of_both_accounts(real: Company) -> None:
    query = """select account_id, count(*), sum(replies), sum(reposts), sum(likes)
        from fct_sns_post_days group by account_id order by account_id"""
    assert real.query(query) == [
        ("BarackObama", 3207, 1_674_570, 14_448_644, 44_275_398),
        ("realDonaldTrump", 3232, 44_892_822, 52_731_535, 203_020_696),
    ]


def test_sns_days_are_days_in_tokyo(real: Company) -> None:
    query = "select count(*) from fct_sns_post_days where business_date <> cast(posted_at as date)"
    assert real.value(query) == 4128


def test_sns_one_month_of_one_account_in_tokyo(real: Company) -> None:
    query = """select count(*), sum(likes) from fct_sns_post_days where account_id = 'realDonaldTrump'
        and business_date between date '2017-10-01' and date '2017-10-31'"""
    assert real.query(query) == [(216, 15_579_890)]
