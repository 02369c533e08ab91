-- A returned row is an order whose lines do not add up to it by type and tax rate, or of which more goods went back than it held.
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

adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

line_sums as (
    select
        order_key,
        sum(case when line_type in ('item', 'discount') then amount else 0 end) as net_amount,
        sum(amount) as amount,
        sum(tax_amount) as tax_amount
    from order_lines
    group by order_key
),

-- An adjustment may come without its order, so all of them are looked at.
taken_back as (
    select
        order_key,
        sum(goods_amount) as goods_amount
    from adjustments
    where is_counted and order_key is not null
    group by order_key
)

select
    orders.order_key,
    orders.net_amount,
    line_sums.net_amount as lines_net_amount,
    null as goods_amount
from orders
left join line_sums on orders.order_key = line_sums.order_key
where
    orders.net_amount <> coalesce(line_sums.net_amount, 0)
    or orders.tax_amount <> coalesce(line_sums.tax_amount, 0)
    or orders.gross_amount + orders.discount_amount + orders.points_used_amount + orders.shipping_amount + orders.fee_amount
    <> coalesce(line_sums.amount, 0)
    or orders.tax_8_amount + orders.tax_10_amount > orders.tax_amount
union all
select
    all_orders.order_key,
    all_orders.net_amount,
    null as lines_net_amount,
    taken_back.goods_amount
from {{ ref('fct_orders') }} as all_orders
inner join taken_back on all_orders.order_key = taken_back.order_key
where all_orders.net_amount + taken_back.goods_amount < least(all_orders.net_amount, 0)
