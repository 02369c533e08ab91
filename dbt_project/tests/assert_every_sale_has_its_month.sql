-- A returned row is a shop (or all) with another number of sales than its months hold, rate or no rate.
with months as (
    select
        shop,
        sum(orders + unidentified_orders) as orders_n
    from {{ ref('rpt_customer_months') }}
    group by shop
),

orders as (
    select
        shop,
        count(*) as orders_n
    from {{ ref('fct_orders') }}
    where is_sold
    group by shop
    union all
    select
        'all' as shop,
        count(*) as orders_n
    from {{ ref('fct_orders') }}
    where is_sold
)

select
    orders.shop,
    orders.orders_n,
    months.orders_n as orders_in_months
from orders
left join months on orders.shop = months.shop
where orders.orders_n > 0 and (months.orders_n is null or orders.orders_n <> months.orders_n)
