"""The shop of a landing zone of any size: orders with all that follows from them, customers, products.

Data flow: days and customer_pids (scale.py) -> `prepare_month`: orders_, lines_, totals_ of one month and of the days before it
whose consequences reach into it -> `RELATIONS`, one query per landing table; `EXPORTS`, the same orders as the shop's files.

Every eighth order is a new customer's first; the others fall on customers so far, half of them on recent ones. One order in 25 is
cancelled on the next day and lands again, with its lines; 3 % have their first line returned ten days later.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from pipelines.generate import vocabulary as words
from pipelines.generate.scale_sql import ORDERS_PER_CUSTOMER, Relation, Scale, drawn, instant

HANDLE_EVERY = 50  # customers, of whom one says which account on X is theirs
SUBSCRIBER_EVERY = 25
LONGEST_DELAY = 10  # days after an order in which something follows from it
ORDER_ID = "'N' || lpad((10000000 + number)::varchar, 8, '0')"
ITEMS = f"(case when {drawn('items', 'number')} < 0.55 then 1 when {drawn('items', 'number')} < 0.85 then 2 else 3 end)"


def prepare_month(sql: duckdb.DuckDBPyConnection, scale: Scale, first: date, last: date) -> None:
    """Make the orders of the days from `first` to `last`, and of those shortly before, as temporary tables."""
    sql.execute("set variable seed = ?", [scale.seed])
    sql.execute("set variable first_day = ?", [scale.start])
    sql.execute("set variable range_from = ?", [first - timedelta(days=LONGEST_DELAY)])
    sql.execute("set variable range_to = ?", [last])
    sql.execute(
        "create or replace temp table goods as select * from (values "
        + ", ".join(f"({place}, '{p.sku}', '{p.name}', {p.price}, {p.rate})" for place, p in enumerate(words.PRODUCTS))
        + ") as goods (place, sku, name, price, rate)"
    )
    for statement in (_SUBSCRIBERS, _ORDERS, _LINES, _TOTALS):
        sql.execute(statement)


_SUBSCRIBERS = f"""
create or replace temp table subscribers as
select pids.number as customer, customer_pid, day, 30 + floor(-200 * ln(1 - {drawn("stay", "pids.number")}))::int as stay
from customer_pids as pids asof join (select * from days where orders > 0) as days
  on pids.number * {ORDERS_PER_CUSTOMER} >= days.first_order
where pids.number % {SUBSCRIBER_EVERY} = 0"""


_CUSTOMERS_SO_FAR = f"(number // {ORDERS_PER_CUSTOMER})"
_ORDERS = f"""
create or replace temp table orders_ as
with numbered as (
  select day, unnest(range(first_order, first_order + orders)) as number from days
  where day between getvariable('range_from') and getvariable('range_to')
),
placed as (
  select *, {ORDER_ID} as order_id,
    {instant("day", f"{drawn('second', 'number')} * 86400")} as ordered_at,
    {drawn("fate", "number")} as fate,
    case when number % {ORDERS_PER_CUSTOMER} = 0 then {_CUSTOMERS_SO_FAR}
      when {drawn("old", "number")} < 0.5 then floor({drawn("who", "number")} * ({_CUSTOMERS_SO_FAR} + 1))::bigint
      else {_CUSTOMERS_SO_FAR} - floor(power({drawn("who", "number")}, 2) * ({_CUSTOMERS_SO_FAR} + 1))::bigint
    end as customer
  from numbered
)
select placed.*, customer_pid, mail_pid, fate < 0.04 as is_cancelled, fate between 0.04 and 0.07 as is_returned,
  {instant("day + 1", f"36000 + {drawn('cancelled', 'placed.number')} * 36000")} as cancelled_at
from placed join customer_pids on customer_pids.number = placed.customer"""

# Line 1 to 3: goods; 4 shipping, 5 a discount of a tenth, 6 points. Money in whole yen, tax rounded down on each line.
_LINES = f"""
create or replace temp table lines_ as
with items as (
  select number, day, unnest(range(1, {ITEMS} + 1)) as line_no from orders_
),
sold as (
  select items.number, day, line_no, 'item' as line_type, sku, name, price, rate,
    1 + floor({drawn("quantity", "items.number", "line_no")} * 3)::bigint as quantity
  from items join goods on place = floor(power({drawn("goods", "items.number", "line_no")}, 2) * {len(words.PRODUCTS)})::bigint
),
priced as (
  select number, day, line_no, line_type, sku, name, quantity, price, rate from sold
  union all
  select number, day, 4, 'shipping', null, '送料', 1, 600, 10 from orders_ where {drawn("shipping", "number")} < 0.6
  union all
  select number, day, 5, 'discount', null, 'クーポン', 1, -sum(price * quantity)::bigint // 10, 8 from sold
  where {drawn("coupon", "number")} < 0.15 group by number, day
  union all
  select number, day, 6, 'points', null, 'ポイント', 1, -100 * (1 + floor({drawn("points", "number")} * 5)::bigint), 0
  from orders_ where {drawn("uses points", "number")} < 0.15
)
select *, price * quantity as amount, sign(price) * (abs(price) * quantity * rate // 100) as tax from priced"""

_TOTALS = """
create or replace temp table totals_ as
select number, sum(amount + tax) as total, sum(amount) as amount, sum(tax) as tax,
  sum(quantity) filter (where line_type = 'item') as pieces, bool_or(line_type = 'discount') as has_coupon
from lines_ group by number"""

# What an order is as placed, and once more as cancelled.
_STATES = """(
  select *, day as change_date, ordered_at as updated_at, 'shipped' as status, null::timestamp as stopped_at from orders_
  union all
  select *, day + 1, cancelled_at, 'cancelled', cancelled_at from orders_ where is_cancelled)"""

RELATIONS = (
    Relation(
        ("ec", "products"),
        "shop",
        "select getvariable('first_day') as change_date, sku, name, split_part(sku, '-', 1) as category from goods",
    ),
    Relation(
        ("ec", "customers"),
        "shop_tools",
        f"""select day as change_date, ordered_at as updated_at, customer_pid, mail_pid, social_pid, ordered_at as registered_at,
              'active' as status, floor({drawn("birth", "customer")} * 50)::int + 1955 as birth_year, true as accepts_marketing,
              ['東京都', '大阪府', '京都府', '福岡県', '北海道'][1 + floor({drawn("town", "customer")} * 5)::int] as prefecture,
              if({drawn("gender", "customer")} < 0.6, '女性', '男性') as gender
            from (select orders_.*, social_pid from orders_ join customer_pids on customer_pids.number = customer)
            where number % {ORDERS_PER_CUSTOMER} = 0""",
    ),
    Relation(
        ("ec", "orders"),
        "shop",
        f"""select change_date, updated_at, day as business_date, order_id, customer_pid, mail_pid, ordered_at, status,
              stopped_at as cancelled_at, 'JPY' as currency, total as total_amount, if(has_coupon, 'TENTH', null) as coupon_code,
              'web' as channel, false as is_test
            from {_STATES} join totals_ using (number)""",
    ),
    Relation(
        ("ec", "order_lines"),
        "shop",
        f"""select change_date, updated_at, states.day as business_date, order_id, line_no::varchar as line_no, line_type, sku,
              name as product_name, quantity, price as unit_price, false as is_tax_included, rate / 100.0 as tax_rate, amount,
              tax as tax_amount, 'JPY' as currency
            from {_STATES} as states join lines_ using (number)""",
    ),
    Relation(
        ("ec", "adjustments"),
        "shop",
        """select day + 1 as change_date, cancelled_at as updated_at, order_id || '-cancel' as adjustment_id, order_id,
              null as line_no, customer_pid, mail_pid, 'cancel' as type, cancelled_at as adjusted_at, null as sku,
              -pieces as quantity, -amount as amount, -tax as tax_amount, 'JPY' as currency
            from orders_ join totals_ using (number) where is_cancelled
            union all
            select orders_.day + 10, ordered_at + interval 10 days, order_id || '-return-1', order_id, '1', customer_pid,
              mail_pid, 'return', ordered_at + interval 10 days, sku, -quantity, -amount, -tax, 'JPY'
            from orders_ join lines_ using (number) where is_returned and line_no = 1""",
    ),
    Relation(
        ("ec", "reviews"),
        "shop_tools",
        f"""select orders_.day + delay as change_date, ordered_at + to_days(delay) as updated_at, 'R' || order_id as review_id,
              'shop' as shop, customer_pid, sku, order_id, ordered_at + to_days(delay) as reviewed_at,
              greatest(1, ceil(5 * sqrt({drawn("stars", "number")}))) as rating, true as is_verified,
              {drawn("given", "number")} < 0.2 as is_incentivised, 20 + number % 60 as text_length
            from (select *, 1 + floor({drawn("delay", "number")} * 9)::int as delay from orders_) as orders_
              join lines_ using (number)
            where line_no = 1 and not is_cancelled and {drawn("review", "number")} < 0.02""",
    ),
    Relation(
        ("ec", "subscription_events"),
        "shop_tools",
        f"""select change_date, moment as updated_at, 'S' || customer as subscription_id, 'shop' as shop, customer_pid, event,
              moment as occurred_at, '飲みくらべ' as plan, 2980 as monthly_amount, 'JPY' as currency
            from (
              select customer, customer_pid, 'activated' as event, day as change_date, {instant("day", "43200")} as moment
              from subscribers
              union all
              select customer, customer_pid, 'cancelled', day + stay, {instant("day + stay", "43200")} from subscribers)""",
    ),
    Relation(
        ("ec", "points"),
        "shop_tools",
        f"""select orders_.day as change_date, ordered_at as updated_at, 'P' || order_id || '-' || kind as transaction_id,
              'shop' as shop, customer_pid, kind as type, moved as points, ordered_at as occurred_at, order_id
            from orders_ join (
              select number, 'earned' as kind, amount // 100 as moved from totals_ where {drawn("earns", "number")} < 0.25
              union all
              select number, 'used', amount from lines_ where line_type = 'points') as moves using (number)""",
    ),
)

# The day's orders and new members as the shop's files; only goods, for which a file with a row per line has columns.
EXPORTS = {
    "shop": """
        select order_id, 'C' || lpad(customer::varchar, 8, '0'), 'c' || customer || '@example.jp',
          strftime(ordered_at + interval 9 hours, '%Y-%m-%d %H:%M:%S'), line_no, sku, name, quantity, price, rate / 100.0,
          sum(amount + tax) over (partition by number)
        from orders_ join lines_ using (number)
        where orders_.day = getvariable('range_to') and line_type = 'item' order by order_id, line_no""",
    "shop_tools": f"""
        select 'C' || lpad(customer::varchar, 8, '0'), 'c' || customer || '@example.jp', 'active',
          strftime(ordered_at + interval 9 hours, '%Y-%m-%d %H:%M:%S'), '東京都', 1990, '女性'
        from orders_ where day = getvariable('range_to') and number % {ORDERS_PER_CUSTOMER} = 0 order by customer""",
}
