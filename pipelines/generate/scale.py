"""A landing zone of any size, written without files: what two years of nights would have landed of one shop and its company.

Data flow: seed -> customers and their pseudonyms -> SQL month by month (scale_shop.py, scale_company.py) -> <folder>/data/landing
in the store's own format, <folder>/connections.yaml and the drop folders it reads: the day after the history lies there already,
`drop` writes what later days bring.

Every value follows from the seed and a record's number by DuckDB's hash: the same arguments give the same rows, month by month or
day by day, and a day dropped later continues what has landed. Proportions at 10,000,000 lines: 4,000,000 orders,
500,000 customers, 5,000 readings of posts a day, 100,000 answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.generate import scale_company, scale_shop
from pipelines.generate.files import write_csv
from pipelines.generate.scale_sql import AHEAD, DAYS, Relation, Scale
from pipelines.settings import KEPT_KEYS, kept_text
from pipelines.sources.connection import Person
from pipelines.sources.contract import table as contract_table
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import Table
from pipelines.store import EXTRACTOR, Day, Store, private, write_file, write_private

MEMORY = "1GB"
THREADS = 2  # months made at once, each with its rows in memory
PERSONS_AT_ONCE = 50_000
BATCH = "generated"
# Timestamps are made without a zone and read as UTC, so that no time zones have to be loaded.
SQL_TYPES = {
    "string": "varchar",
    "int": "bigint",
    "float": "double",
    "money": "decimal(18, 4)",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


def generate_scale(folder: Path, scale: Scale) -> int:
    """Write the landing zone of `scale` into `folder`, which must not hold one yet, and drop the day that follows.

    Returns the number of order lines landed: those of cancelled orders have landed twice.
    """
    home = folder / "data"
    if (home / "landing").exists():
        raise ValueError(f"{home} holds a landing zone already; choose another folder")
    write_private(private(home) / KEPT_KEYS, kept_text(scale.keys()))
    company = f"company: {{name: Scale, first_day: {scale.start}}}\n"
    (folder / "connections.yaml").write_text(WRITTEN + company + CONNECTIONS, encoding="utf-8")
    for connection in DROPS:
        (folder / "drop" / connection).mkdir(parents=True, exist_ok=True)
    store = Store(home)
    store.prepare()
    with _opened(scale) as sql, ThreadPoolExecutor(THREADS) as pool:
        lines = sum(pool.map(lambda days: _month(sql, store, scale, *days), months(scale.start, scale.last)))
        _drop(sql, folder, scale, scale.last + timedelta(days=1))
    return lines


def drop(folder: Path, scale: Scale, first: date, last: date) -> None:
    """Write what each day from `first` to `last` brings into the drop folders: orders, new members, counters, followers."""
    with _opened(scale) as sql:
        for number in range((last - first).days + 1):
            _drop(sql, folder, scale, first + timedelta(days=number))


def _drop(sql: duckdb.DuckDBPyConnection, folder: Path, scale: Scale, day: date) -> None:
    scale_shop.prepare_month(sql, scale, day, day)
    scale_company.prepare(sql, scale, day, day)
    rows = {name: sql.execute(query).fetchall() for name, query in scale_shop.EXPORTS.items()}
    rows |= {name: sql.execute(query, [day]).fetchall() for name, query in scale_company.EXPORTS.items()}
    for name, content in rows.items():
        write_csv(folder / "drop" / name / f"{name}_{day:%Y%m%d}.csv", DROPS[name], content)


def months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first and the last day of each calendar month from `first` to `last`."""
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield first, min(following - timedelta(days=1), last)
        first = following


def _month(sql: duckdb.DuckDBPyConnection, store: Store, scale: Scale, first: date, last: date) -> int:
    """Land one month; returns its order lines. Variables and temporary tables are the cursor's own, so months do not meet."""
    lines = 0
    with sql.cursor() as own:
        for prepare, relations in (
            (scale_shop.prepare_month, scale_shop.RELATIONS),
            (scale_company.prepare, scale_company.RELATIONS),
        ):
            prepare(own, scale, first, last)
            for relation in relations:
                rows = _rows(own, scale, relation, first, last)
                lines += rows.num_rows if relation.table == ("ec", "order_lines") else 0
                _land(store, relation, rows)
    return lines


def _opened(scale: Scale) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that knows the days, the customers and the employees."""
    sql = duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS, "preserve_insertion_order": False})
    first = pa.array(scale.first_orders, pa.int64())
    days = pa.table(
        {
            "number": pa.array(range(DAYS + AHEAD), pa.int64()),
            "day": pa.array([scale.day(number) for number in range(DAYS + AHEAD)], pa.date32()),
            "first_order": first[:-1],
            "orders": pc.subtract(first[1:], first[:-1]),
        }
    )
    sql.from_arrow(days).create("days")
    _persons(sql, scale)
    return sql


def _persons(sql: duckdb.DuckDBPyConnection, scale: Scale) -> None:
    """Everybody's pseudonyms, as a pull would have made them of the customer and employee numbers in the exports."""
    sql.execute("create table customer_pids (number bigint, customer_pid varchar, mail_pid varchar, social_pid varchar)")
    pids = Pseudonymiser(scale.keys())
    for start in range(0, scale.customers, PERSONS_AT_ONCE):
        numbers = range(start, min(start + PERSONS_AT_ONCE, scale.customers))
        persons = {
            "customer_pid": [pids.pid(Person("customer", "id", f"C{number:08d}", "shop")) for number in numbers],
            "mail_pid": [pids.pid(Person("customer", "mail", f"c{number}@example.jp")) for number in numbers],
            "social_pid": [
                pids.pid(Person("social", "handle", f"c{number}", "x")) if number % scale_shop.HANDLE_EVERY == 0 else None
                for number in numbers
            ],
        }
        columns = {name: pa.array(values, pa.string()) for name, values in persons.items()}
        sql.from_arrow(pa.table({"number": pa.array(numbers, pa.int64()), **columns})).insert_into("customer_pids")
    employees = range(scale_company.employees(scale))
    staff = pa.table(
        {
            "number": pa.array(employees, pa.int64()),
            "employee_pid": [pids.pid(Person("employee", "id", f"E{number:05d}", "hr")) for number in employees],
        }
    )
    sql.from_arrow(staff).create("employee_pids")


def _rows(sql: duckdb.DuckDBPyConnection, scale: Scale, relation: Relation, first: date, last: date) -> pa.Table:
    """The rows of one table whose day of change lies in the month, in the contract's columns and the store's order."""
    table = contract_table(*relation.table)
    given = sql.sql(relation.query).columns
    landed_at = datetime.combine(scale.last + timedelta(days=1), time(), UTC)
    common = {
        "connection": f"'{relation.connection}'",
        "source_record_id": f"concat_ws('/', {', '.join(table.key)})",
        "updated_at": "change_date::timestamp - interval 9 hours",
        "business_date": "change_date",
        "landed_at": f"timestamp '{landed_at:%Y-%m-%d %H:%M:%S}'",
        "batch_id": f"'{BATCH}'",
    }
    columns = [
        f"({column.name if column.name in given else common.get(column.name, 'null')})::{SQL_TYPES[column.type]} as {column.name}"
        for column in table.all_columns
    ]
    order = ["change_date", *(name for name in table.key if name != "change_date")]
    query = f"""select {", ".join(columns)} from ({relation.query})
        where change_date between ? and ? order by {", ".join(order)}"""
    return sql.execute(query, [first, last]).to_arrow_table().cast(table.schema)


def _land(store: Store, relation: Relation, rows: pa.Table) -> None:
    """Write one month file, each day that has rows in its manifest."""
    if rows.num_rows == 0:
        return
    table: Table = contract_table(*relation.table)
    counted = rows.group_by("change_date").aggregate([([], "count_all")])
    landed_at = rows["landed_at"][0].as_py().isoformat()
    manifest: Mapping[date, Day] = {
        # No hash: what a source says of the day again is taken as changed.
        day: Day(count, 0, 0, "", (day.isoformat(), day.isoformat()), EXTRACTOR, BATCH, landed_at)
        for day, count in zip(counted["change_date"].to_pylist(), counted["count_all"].to_pylist(), strict=True)
    }
    write_file(store.file(table, f"{min(manifest):%Y-%m}", relation.connection), rows, manifest)


WRITTEN = "# Written by `engagement generate --scale`: a made-up company, whose history lies in data/landing already.\n"
# The connections of the company and the header of the files that `drop` writes for them.
DROPS: dict[str, tuple[str, ...]] = {
    "shop": ("order", "customer", "mail", "at", "line", "sku", "name", "quantity", "price", "tax", "total"),
    "shop_tools": ("customer_id", "mail", "status", "registered_at", "prefecture", "birth_year", "gender"),
    "x_posts": ("post", "at", "day", "impressions", "likes", "replies", "reposts", "saves", "clicks"),
    "instagram_posts": ("post", "at", "day", "views", "reach", "likes", "replies", "reposts", "saves"),
    "x_accounts": ("day", "followers", "following", "posts"),
    "instagram_accounts": ("day", "followers", "following", "posts"),
    "mentions": (),
    "customer_nps": (),
    "staff_pulse": (),
    "people": (),
    "plan": (),
}
CONNECTIONS = """\
connections:
  shop:
    source: ec
    kind: mapped_csv
    path: drop/shop
    columns: {order_id: order, customer_id: customer, mail: mail, ordered_at: at, line_no: line, sku: sku, product_name: name,
              quantity: quantity, unit_price: price, tax_rate: tax, total: total}
    tax_rounding: floor
  shop_tools: {source: ec, kind: ec_files, path: drop/shop_tools, shop: shop}
  x_posts:
    source: sns
    kind: posts_csv
    path: drop/x_posts
    platform: x
    account_id: x_brand
    day: {column: day}
    columns: {post_id: post, posted_at: at, impressions: impressions, likes: likes, replies: replies, reposts: reposts,
              saves: saves, clicks: clicks}
  instagram_posts:
    source: sns
    kind: posts_csv
    path: drop/instagram_posts
    platform: instagram
    account_id: instagram_brand
    day: {column: day}
    columns: {post_id: post, posted_at: at, views: views, reach: reach, likes: likes, replies: replies, reposts: reposts,
              saves: saves}
  x_accounts:
    source: sns
    kind: accounts_csv
    path: drop/x_accounts
    platform: x
    account_id: x_brand
    day: {column: day}
    columns: {followers: followers, following: following, posts_total: posts}
  instagram_accounts:
    source: sns
    kind: accounts_csv
    path: drop/instagram_accounts
    platform: instagram
    account_id: instagram_brand
    day: {column: day}
    columns: {followers: followers, following: following, posts_total: posts}
  mentions:
    source: sns
    kind: mentions_csv
    path: drop/mentions
    platform: x
    account_id: x_brand
    columns: {post_id: post, posted_at: at, author: author, text: text}
  customer_nps:
    source: survey
    kind: form_csv
    path: drop/customer_nps
    survey: {id: customer_nps, title: Customers, audience: customer, mode: identified, valid_days: 180}
    wave: {every: quarter}
    answered_at: at
    respondent: {column: mail, as: mail}
    questions: {q1: {code: nps, kind: nps}, q2: {code: csat, kind: csat}, q3: {code: age_group, kind: segment}}
  staff_pulse:
    source: survey
    kind: form_csv
    path: drop/staff_pulse
    survey: {id: staff_pulse, title: Staff, audience: employee, mode: confidential, valid_days: 100}
    wave: {every: quarter}
    answered_at: at
    respondent: {column: number, as: id, scope: hr}
    org_unit: unit
    questions: {q1: {code: enps, kind: nps}}
  people: {source: hr, kind: hr_files, path: drop/people}
  plan: {source: plan, kind: plan_files, path: drop/plan, customer_scope: shop}
"""
