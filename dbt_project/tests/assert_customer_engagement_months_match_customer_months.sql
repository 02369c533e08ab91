-- A returned row is a month in which the customers one by one do not add up to all customers together. Returns of somebody who has bought
-- nothing yet, of an order older than the data, are in the months of all customers alone.
with customers as (
    select
        month_start,
        sum(orders) as orders,
        {{ count_if('is_active') }} as active_customers,
        {{ count_if('is_new') }} as new_customers,
        {{ sum_if_complete('net_sales_jpy - returns_jpy') }} as sold_jpy,
        {{ sum_if_complete('returns_jpy') }} as returns_jpy
    from {{ ref('fct_customer_engagement_months') }}
    group by month_start
),

first_months as (
    select
        customer_key,
        month_start as first_month
    from {{ ref('fct_customer_engagement_months') }}
    where is_new
),

returns_too_old as (
    select
        {{ month_start('adjustments.business_date') }} as month_start,
        {{ sum_if_complete('adjustments.goods_jpy') }} as returns_jpy
    from {{ ref('fct_order_adjustments') }} as adjustments
    left join first_months on adjustments.customer_key = first_months.customer_key
    where
        adjustments.is_counted
        and adjustments.customer_key is not null
        and ({{ month_start('adjustments.business_date') }} < first_months.first_month or first_months.customer_key is null)
    group by {{ month_start('adjustments.business_date') }}
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
    customers.sold_jpy as sold_one_by_one,
    months.returns_jpy,
    customers.returns_jpy as returns_one_by_one,
    returns_too_old.returns_jpy as returns_too_old_jpy
from months
left join customers on months.month_start = customers.month_start
left join returns_too_old on months.month_start = returns_too_old.month_start
where
    months.orders <> coalesce(customers.orders, 0)
    or months.active_customers <> coalesce(customers.active_customers, 0)
    or months.new_customers <> coalesce(customers.new_customers, 0)
    or months.gross_sales_jpy + months.discounts_jpy <> customers.sold_jpy
    or months.returns_jpy - case when returns_too_old.month_start is null then 0 else returns_too_old.returns_jpy end
    <> case when customers.month_start is null then 0 else customers.returns_jpy end
