"""A landing zone of any size: valid by the door's own rules, whole, the same every time, and fit for a night on top of it."""

import hashlib
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.door import Door
from pipelines.generate.scale import drop, generate_scale
from pipelines.generate.scale_sql import Scale
from pipelines.settings import read_connections
from pipelines.sources.connection import Window
from pipelines.sources.contract import TABLES
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.pull import Batch, Pulled, money_column, pull, stage_schema
from pipelines.store import Store, read_file

SCALE = Scale(20_000, seed=3, days=150)  # reaches into the second quarter with a survey
LINES = 2.5 * 1.04 * SCALE.first_orders[SCALE.days]  # per order; one order in 25 has landed twice


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale")
    assert generate_scale(folder, SCALE) == pytest.approx(LINES, rel=0.03)
    return folder


def opened(company: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB in which every landing table is a view."""
    sql = duckdb.connect()
    for table in TABLES:
        files = str(company / "data" / "landing" / table.source / table.name / "month=*" / "*.parquet")
        sql.execute(f"create view {table.name} as from read_parquet('{files}', hive_partitioning = false)")
    return sql


def test_a_scale_that_makes_no_company_is_refused(tmp_path: Path) -> None:
    for lines, days in ((999, 30), (1_000, 0), (1_000, 731)):
        with pytest.raises(ValueError, match="at least 1000 order lines and 1 to 730 days"):
            Scale(lines, days=days)


def test_a_folder_that_holds_a_landing_zone_is_left_alone(company: Path) -> None:
    before = hashes(company)
    with pytest.raises(ValueError, match="holds a landing zone already"):
        generate_scale(company, SCALE)
    assert hashes(company) == before


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(company: Path, tmp_path: Path) -> None:
    generate_scale(tmp_path / "same", SCALE)
    assert hashes(tmp_path / "same") == hashes(company)
    generate_scale(tmp_path / "other", Scale(SCALE.lines, seed=4, days=3))
    orders = Path("data", "landing", "ec", "orders", "month=2024-10", "shop.parquet")
    first_days = read_file(company / orders)[0].filter(pc.field("change_date") <= date(2024, 10, 3))
    assert read_file(tmp_path / "other" / orders)[0]["total_amount"] != first_days["total_amount"]


def test_a_day_dropped_is_the_day_that_would_have_landed(company: Path, tmp_path: Path) -> None:
    first = SCALE.day(SCALE.days)
    drop_of_earlier = Scale(SCALE.lines, seed=SCALE.seed, days=140)
    generate_scale(tmp_path, drop_of_earlier)
    drop(tmp_path, drop_of_earlier, first, first)
    for file in (company / "drop").rglob("*.csv"):
        assert (tmp_path / file.relative_to(company)).read_bytes() == file.read_bytes()


def test_every_file_has_the_contracts_columns_and_a_true_manifest(company: Path) -> None:
    store, files = Store(company / "data"), 0
    for table in TABLES:
        for file in store.month_files(store.landing, table):
            rows, manifest = read_file(file)
            counted = defaultdict(int)
            for day in rows["change_date"].to_pylist():
                counted[day] += 1
            assert rows.schema == table.schema
            assert {day: entry.rows for day, entry in manifest.items()} == counted
            assert rows.equals(rows.sort_by([("change_date", "ascending"), *((name, "ascending") for name in table.key)]))
            assert file.parent.name == f"month={min(counted):%Y-%m}" == f"month={max(counted):%Y-%m}"
            files += 1
    landed = {file.parent.parent.name for file in store.landing.glob("*/*/month=2*/*.parquet")}
    assert landed == {table.name for table in TABLES} - {"subscriptions"}  # its events say the same
    assert files > 50


def test_the_door_would_hold_back_no_row_and_refuse_no_connection(company: Path, tmp_path: Path) -> None:
    connections = read_connections(company / "connections.yaml").connections
    pulls = {name: Pulled(connection) for name, connection in connections.items()}
    store = Store(company / "data")
    for name, pulled in pulls.items():
        for table in (contract_table(pulled.connection.source, one) for one in pulled.connection.tables):
            found = [read_file(file)[0] for file in store.month_files(store.landing, table) if file.stem == name]
            rows = pa.concat_tables([table.schema.empty_table(), *found])
            staged = rows.append_column("_file", pa.repeat(pa.scalar("made"), rows.num_rows))
            staged = staged.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
            staged = staged.append_column("_age", pa.array([0] * rows.num_rows, pa.int64()))
            for column in stage_schema(table).names[staged.num_columns :]:
                staged = staged.append_column(column, pa.nulls(rows.num_rows, stage_schema(table).field(column).type))
            (tmp_path / table.id).mkdir(exist_ok=True)
            pq.write_table(staged.cast(stage_schema(table)), tmp_path / table.id / f"{name}.parquet")
            pulled.rows[table.name] = rows.num_rows
            if money := money_column(table):
                pulled.money[table.name] = pc.sum(rows[money]).as_py() or Decimal(0)
    door = Door(tmp_path, Store(tmp_path / "empty"), list(pulls.values()), Window(SCALE.start, SCALE.last))
    try:
        results = door.judge()
        assert door.blocked() == {}
    finally:
        door.close()
    assert [f"{table} {one.rule.name}: {one.detail}" for table, ones in results.items() for one in ones if not one.passed] == []
    assert sum(counts.landing for counts in door.counts.values()) == sum(sum(pulled.rows.values()) for pulled in pulls.values())


@pytest.mark.parametrize(
    "query",
    [
        # an order's lines and what it states
        """select order_id from orders join (
             select change_date, order_id, sum(amount + tax_amount) as total from order_lines group by all
           ) using (change_date, order_id) where total <> total_amount""",
        "select order_id from order_lines anti join orders using (change_date, order_id)",
        "select order_id from orders anti join order_lines using (change_date, order_id)",
        # whoever and whatever is named exists
        "select customer_pid from orders anti join customers using (customer_pid)",
        "select sku from order_lines where sku is not null and sku not in (select sku from products)",
        "select order_id from adjustments anti join orders using (order_id)",
        "select order_id from reviews anti join orders using (order_id, customer_pid)",
        "select order_id from points anti join orders using (order_id, customer_pid)",
        "select employee_pid from activities anti join employees using (employee_pid)",
        "select question_code from answers anti join questions using (survey_id, question_code)",
        "select respondent_pid from answers anti join invitations using (survey_id, wave, respondent_pid)",
        # a counter so far never falls
        """select post_id from (select post_id, likes < lag(likes) over (partition by post_id order by day) as falls from posts)
           where falls""",
    ],
)
def test_what_has_landed_fits_together(company: Path, query: str) -> None:
    assert opened(company).execute(query).fetchall() == []


def test_sizes_keep_their_proportions() -> None:
    scale = Scale(10_000_000)
    assert scale.first_orders[730] == 4_000_000
    assert scale.first_orders[730] // 8 == 500_000


def test_the_next_day_can_be_read_and_its_customers_are_known(company: Path, tmp_path: Path) -> None:
    day = SCALE.day(SCALE.days)
    pids, batch = Pseudonymiser(SCALE.keys()), Batch("night", datetime(2026, 1, 1, tzinfo=UTC))
    for connection in read_connections(company / "connections.yaml").connections.values():
        assert pull(connection, tmp_path, pids, batch).error is None
    rows = {folder.name: pq.read_table(folder) for folder in tmp_path.iterdir()}
    assert {table for table, read in rows.items() if read.num_rows} == {
        "ec.customers", "ec.order_lines", "ec.orders", "ec.products", "sns.accounts", "sns.posts",
    }  # fmt: skip
    for read in rows.values():
        assert set(read["change_date"].to_pylist()) <= {day}
        assert read["_unparsed"].null_count == read.num_rows
    sql = opened(company)
    sql.register("dropped", rows["ec.orders"])
    sql.register("joined", rows["ec.customers"])
    assert sql.execute("from dropped semi join customers using (customer_pid, mail_pid)").fetchall() != []
    everybody = "select customer_pid, mail_pid from customers union all select customer_pid, mail_pid from joined"
    assert sql.execute(f"from dropped anti join ({everybody}) using (customer_pid, mail_pid)").fetchall() == []
