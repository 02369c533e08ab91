-- A returned row is a shop (or all) and month whose days have other sales, or another number of orders, than the month.
with days as (
    select
        shop,
        {{ month_start('date_day') }} as month_start,
        sum(orders) as orders,
        {{ sum_if_complete('net_sales_jpy') }} as net_sales_jpy
    from {{ ref('rpt_sales_days') }}
    group by shop, {{ month_start('date_day') }}
),

months as (
    select
        shop,
        month_start,
        orders + unidentified_orders as orders,
        net_sales_jpy + unidentified_net_sales_jpy as net_sales_jpy
    from {{ ref('rpt_customer_months') }}
)

select
    months.shop,
    months.month_start,
    days.orders,
    months.orders as orders_of_month,
    days.net_sales_jpy,
    months.net_sales_jpy as net_sales_of_month_jpy
from months
left join days
    on
        months.shop = days.shop
        and months.month_start = days.month_start
where
    months.orders <> coalesce(days.orders, 0)
    or months.net_sales_jpy <> coalesce(days.net_sales_jpy, 0)
