"""The tests of a night that keeps the warehouse look only at rows of keys built anew: at all of those, and at no others."""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines import settings
from pipelines.assets.warehouse import DBT, DBT_PROJECT, dbt_args, dbt_environment
from pipelines.increments import DAYS, WAREHOUSE
from tests.e2e.conftest import Company

ORDERS, LINES, TOTALS, BUYERS = (
    "unique_grain_fct_orders_order_key",
    "unique_grain_fct_order_lines_order_line_key",
    "assert_order_lines_sum_to_stated_total",
    "relationships_fct_orders_customer_key__customer_key__ref_dim_customers_",
)
NIGHT = dbt_args(settings.Company(name="Tea", first_day=date(2024, 1, 1)), is_kept=True)
# Of four orders with lines the first was built anew. It and the third stand there twice, the copy without a stated total; their
# own total is 2 too high; and a line of the order after each has the key of one of its lines. Sums of lines stay as they are.
# Nobody is the customer of the first three; that of the second went.
BROKEN = """
    create temp table orders as
    select orders.order_key, row_number() over (order by orders.order_key) as n, min(lines.order_line_key) as order_line_key
    from fct_orders as orders inner join fct_order_lines as lines using (order_key)
    where orders.total_amount is not null group by orders.order_key order by n limit 4;
    delete from int_changed_orders;
    insert into int_changed_orders
    select order_key, shop, order_id, customer_key, customer_key, business_date from fct_orders
    where order_key = (select order_key from orders where n = 1);
    update fct_orders set total_amount = total_amount + 2 where order_key in (select order_key from orders where n in (1, 3));
    insert into fct_orders
    select * replace (null as total_amount) from fct_orders where order_key in (select order_key from orders where n in (1, 3));
    update fct_orders set customer_key = case n when 2 then 'gone' else 'none' end
    from orders where fct_orders.order_key = orders.order_key and n <= 3 and fct_orders.total_amount is not null;
    insert into int_changed_deeds values ('gone');
    update fct_order_lines set order_line_key = broken.order_line_key
    from orders as kept inner join orders as broken on kept.n = broken.n + 1 and broken.n in (1, 3)
    where fct_order_lines.order_line_key = kept.order_line_key
"""


@pytest.fixture(scope="module")
def broken(samples: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples' warehouse with rows of an order built anew, and of one that was kept, that no test may let pass."""
    home = tmp_path_factory.mktemp("broken")
    for file in (WAREHOUSE, DAYS):
        shutil.copy(samples.home / file, home / file)
    with duckdb.connect(str(home / WAREHOUSE)) as warehouse:
        warehouse.execute(BROKEN)
    return home


def say_changed(home: Path, condition: str) -> None:
    """Let landed_days.parquet say of the days of the condition, and of no others, that they changed."""
    days = duckdb.sql(f"select * replace ({condition} as is_changed) from '{home / DAYS}'").to_arrow_table()
    pq.write_table(days, home / DAYS)


def failures(home: Path, *arguments: str) -> dict[str, int]:
    """Call dbt, which must end with failed tests: how many rows each test returns, by name."""
    command = [DBT, *arguments, "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT]
    environment = {**os.environ, **dbt_environment(settings.Settings(home=home))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    results = json.loads((home / "dbt" / "run_results.json").read_text())["results"]
    return {result["unique_id"].split(".")[2]: result["failures"] for result in results}


# One at a time: a build skips the tests that come after one that failed.
@pytest.mark.parametrize(("name", "found"), [(ORDERS, 1), (LINES, 1), (TOTALS, 1), (BUYERS, 2)])
def test_a_night_on_top_finds_what_is_broken_in_keys_built_anew_and_leaves_kept_ones_alone(
    broken: Path, name: str, found: int
) -> None:
    say_changed(broken, f"change_date = (select max(change_date) from '{broken / DAYS}')")
    assert failures(broken, *NIGHT, "--select", name) == {name: found}


def test_any_other_command_than_a_nights_finds_what_is_broken_in_kept_keys_too(broken: Path) -> None:
    say_changed(broken, f"change_date = (select max(change_date) from '{broken / DAYS}')")
    found = failures(broken, "test", *NIGHT[1:], "--select", ORDERS, LINES, TOTALS, BUYERS)
    assert found == {ORDERS: 2, LINES: 2, TOTALS: 2, BUYERS: 3}


def test_a_night_in_which_every_day_changed_does_as_well(broken: Path) -> None:
    say_changed(broken, "true")
    assert failures(broken, *NIGHT, "--select", ORDERS) == {ORDERS: 2}
