-- A returned row is a month in which the segments do not hold all customers so far, or their sales are not those of the customers one by one.
with segments as (
    select
        month_start,
        sum(customers) as customers,
        {{ sum_if_complete('net_sales_jpy') }} as net_sales_jpy
    from {{ ref('rpt_rfm_segments') }}
    group by month_start
),

customers as (
    select
        month_start,
        {{ sum_if_complete('net_sales_jpy') }} as net_sales_jpy
    from {{ ref('fct_customer_engagement_months') }}
    group by month_start
),

months as (
    select
        month_start,
        customers_to_date
    from {{ ref('rpt_customer_months') }}
    where shop = 'all'
)

select
    months.month_start,
    segments.customers,
    months.customers_to_date,
    segments.net_sales_jpy,
    customers.net_sales_jpy as net_sales_one_by_one
from months
full outer join segments on months.month_start = segments.month_start
left join customers on segments.month_start = customers.month_start
where
    months.month_start is null
    or coalesce(segments.customers, 0) <> months.customers_to_date
    or segments.net_sales_jpy is distinct from customers.net_sales_jpy
