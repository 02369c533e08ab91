-- A returned row is a month in which the segments do not hold all customers so far, or their sales are not those of the month.
with segments as (
    select
        month_start,
        sum(customers) as customers,
        {{ sum_if_complete('net_sales_jpy') }} as net_sales_jpy
    from {{ ref('rpt_rfm_segments') }}
    group by month_start
),

months as (
    select
        month_start,
        customers_to_date,
        net_sales_jpy
    from {{ ref('rpt_customer_months') }}
    where shop = 'all'
)

select
    months.month_start,
    segments.customers,
    months.customers_to_date
from months
full outer join segments on months.month_start = segments.month_start
where
    segments.customers is distinct from months.customers_to_date
    or segments.net_sales_jpy is distinct from months.net_sales_jpy
