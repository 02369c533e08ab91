-- A returned row is a shop (or all) and month with another number of sales, or other sales in yen, than its orders; or orders without a month.
with orders_of_shops as (
    select
        shop,
        {{ month_start('business_date') }} as month_start,
        count(*) as orders_n,
        {{ sum_if_complete('case when customer_key is null then 0 else net_jpy end') }} as net_jpy
    from {{ ref('fct_orders') }}
    where is_sold
    group by shop, {{ month_start('business_date') }}
),

orders as (
    select * from orders_of_shops
    union all
    select
        'all' as shop,
        month_start,
        sum(orders_n) as orders_n,
        {{ sum_if_complete('net_jpy') }} as net_jpy
    from orders_of_shops
    group by month_start
),

months as (
    select * from {{ ref('rpt_customer_months') }}
)

select
    coalesce(orders.shop, months.shop) as shop,
    coalesce(orders.month_start, months.month_start) as month_start,
    orders.orders_n,
    months.orders + months.unidentified_orders as orders_of_month,
    orders.net_jpy,
    months.gross_sales_jpy + months.discounts_jpy as net_jpy_of_month
from orders
full outer join months
    on
        orders.shop = months.shop
        and orders.month_start = months.month_start
where
    months.shop is null
    or coalesce(orders.orders_n, 0) <> months.orders + months.unidentified_orders
    or orders.net_jpy <> months.gross_sales_jpy + months.discounts_jpy
