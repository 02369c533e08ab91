-- A returned row is a month in which the customers one by one do not add up to all customers together.
with customers as (
    select
        month_start,
        sum(orders) as orders,
        {{ count_if('is_active') }} as active_customers,
        {{ count_if('is_new') }} as new_customers,
        {{ sum_if_complete('net_sales_jpy - returns_jpy') }} as sold_jpy
    from {{ ref('fct_customer_engagement_months') }}
    group by month_start
),

months as (
    select * from {{ ref('rpt_customer_months') }}
    where shop = 'all'
)

select
    months.month_start,
    months.orders,
    customers.orders as orders_of_customers,
    months.active_customers,
    customers.active_customers as active_one_by_one,
    months.gross_sales_jpy + months.discounts_jpy as sold_jpy,
    customers.sold_jpy as sold_one_by_one
from months
left join customers on months.month_start = customers.month_start
where
    months.orders <> coalesce(customers.orders, 0)
    or months.active_customers <> coalesce(customers.active_customers, 0)
    or months.new_customers <> coalesce(customers.new_customers, 0)
    or months.gross_sales_jpy + months.discounts_jpy <> customers.sold_jpy
