-- A returned row is an order whose lines, tax included, differ from the total the shop states by more than one unit of its currency.
-- Only orders with a stated total are compared.
with order_lines as (
    select order_lines.*
    from {{ ref('fct_order_lines') }} as order_lines
    {{ where_built_anew('order_lines', 'int_changed_orders', ['order_key']) }}
),

orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_built_anew('orders', 'int_changed_orders', ['order_key']) }}
),

line_sums as (
    select
        order_key,
        sum(amount + tax_amount) as lines_total
    from order_lines
    group by order_key
)

select
    orders.order_key,
    orders.total_amount,
    line_sums.lines_total
from orders
left join line_sums on orders.order_key = line_sums.order_key
where
    orders.total_amount is not null
    and abs(orders.total_amount - coalesce(line_sums.lines_total, 0)) > 1
