"""The facts that the benchmark makes in pandas are those of the models, row by row: two ways of computing them agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pytest

from pipelines.generate.scale import generate_scale
from pipelines.generate.scale_sql import Scale
from pipelines.settings import PROJECT
from pipelines.sources.contract import TABLES
from tests.bench.plain_pandas.compare import differences
from tests.models.compiled import Compiled

FEW = {"fct_orders", "fct_order_lines", "fct_customer_engagement_months", "rpt_customer_cohorts"}
FULL = FEW | {
    "dim_customers", "dim_products", "dim_sns_accounts", "fct_order_adjustments", "fct_sns_account_days", "fct_sns_mentions",
    "fct_sns_post_days", "rpt_customer_months", "rpt_retention_by_engagement", "rpt_rfm_segments", "rpt_sales_days",
    "rpt_second_purchases", "rpt_sns_account_days", "rpt_sns_posts", "rpt_subscription_months", "rpt_ugc_and_reviews",
}  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, target: Path) -> Path:
    """A home of 6,000 order lines in 14 months, and the models' tables of it."""
    folder = tmp_path_factory.mktemp("pandas")
    generate_scale(folder, Scale(6_000, days=425))
    landing = folder / "data" / "landing"
    rows = {table.id: ds.dataset(landing / table.source / table.name, partitioning=None).to_table() for table in TABLES}
    models = Compiled(target, sorted(FULL))
    models.build({name: table.to_pylist() for name, table in rows.items()}, file=folder / "data" / "warehouse.duckdb").close()
    return folder / "data"


def made(script: str, home: Path, folder: Path) -> set[str]:
    """The tables that a script made of a home's landing zone."""
    subprocess.run([sys.executable, "-m", script, str(home), str(folder)], cwd=PROJECT, check=True)
    return {file.stem for file in folder.glob("*.parquet")}


def test_the_few_columns_agree_with_the_models(company: Path, tmp_path: Path) -> None:
    assert made("tests.bench.plain_pandas.few", company, tmp_path) == FEW
    assert differences(tmp_path, company / "warehouse.duckdb", is_part=True) == []


def test_pandas_and_the_models_agree_and_a_changed_value_is_found(company: Path, tmp_path: Path) -> None:
    warehouse, results = company / "warehouse.duckdb", tmp_path / "results"
    assert made("tests.bench.plain_pandas", company, results) == FULL
    assert differences(results, warehouse) == []
    with duckdb.connect(str(warehouse), read_only=True) as sql:
        counts = {table: sql.execute(f"select count(*) from {table}").fetchall()[0][0] for table in FULL}
    assert min(counts.values()) > 1
    assert counts["fct_order_lines"] > 3_000
    one = "rowid = (select min(rowid) from {})"
    with duckdb.connect(str(warehouse)) as sql:
        for table, change in (
            ("fct_orders", "set tax_jpy = tax_jpy + 1"),
            ("fct_customer_engagement_months", "set engagement_score = engagement_score + 0.00001"),
            ("fct_sns_post_days", "set likes_delta = null"),
            ("dim_products", "set shop = 'another'"),
        ):
            sql.execute(f"update {table} {change} where {one.format(table)}")
        sql.execute(f"delete from rpt_customer_cohorts where {one.format('rpt_customer_cohorts')}")
        sql.execute("insert into rpt_sales_days from rpt_sales_days limit 1")
    assert differences(results, warehouse) == [
        "dim_products: shop is missing",
        "fct_customer_engagement_months: 2 rows differ",
        "fct_orders: 2 rows differ",
        "fct_sns_post_days: 2 rows differ",
        "rpt_customer_cohorts: 1 rows differ",
        "rpt_sales_days: 1 rows differ",
    ]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("(1, 1.0), (2, 1.0000005)", []),
        ("(1, 1.0), (2, 1.1)", ["figures: 2 rows differ"]),
        ("(1, 1.0000005), (1, 1.0000005)", ["figures: 2 rows differ"]),
        ("(1, 1.0), (2.4, 1.0)", ["figures: number has values that are no BIGINT"]),
    ],
    ids=["a float that is near", "another float", "one row twice for two", "a value the type cannot hold"],
)
def test_rows_are_paired_one_by_one_where_floats_are_near(tmp_path: Path, rows: str, found: list[str]) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as sql:
        sql.execute("create table figures as from (values (1::bigint, 1.0::double), (2, 1.0)) as given(number, figure)")
        made = f"select number::double as number, figure::double as figure from (values {rows}) as made(number, figure)"
        sql.execute(f"copy ({made}) to '{tmp_path / 'figures.parquet'}'")
    assert differences(tmp_path, tmp_path / "warehouse.duckdb") == found
