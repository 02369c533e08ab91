-- A returned row is an order line in another currency than its order: its amount would be added up and converted as what it is not.
with order_lines as (
    select order_lines.*
    from {{ ref('fct_order_lines') }} as order_lines
    {{ where_built_anew('order_lines', 'int_changed_orders', ['order_key']) }}
),

orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_built_anew('orders', 'int_changed_orders', ['order_key']) }}
)

select
    order_lines.order_line_key,
    order_lines.currency,
    orders.currency as order_currency
from order_lines
inner join orders on order_lines.order_key = orders.order_key
where order_lines.currency <> orders.currency
