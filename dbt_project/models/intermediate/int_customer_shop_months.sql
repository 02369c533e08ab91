-- One row per shop (or all) x customer x month in which they bought.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_customers'}) }}
{%- set changed = ref('int_changed_customers') %}
with sales as (
    select sales.*
    from {{ ref('int_shop_orders') }} as sales
    {{ where_changed('sales', changed, ['customer_key']) }}
),

months as (
    select
        shop,
        customer_key,
        month_start,
        min(case when order_number = 1 then month_start end) as cohort_month,
        min(currency) as lowest_currency,
        max(currency) as highest_currency,
        count(*) as orders,
        max(day_number) as day_number,
        sum(net_amount) as net_amount,
        max(net_amount) as largest_net_amount,
        {{ sum_if_complete('net_jpy') }} as net_jpy,
        max(business_date) as last_order_date
    from sales
    group by shop, customer_key, month_start
),

-- The first order's month need not be the first month: shops of two time zones may have had the same moment on two days.
customers as (
    select
        shop,
        customer_key,
        min(month_start) as first_month,
        min(cohort_month) as cohort_month,
        case when min(lowest_currency) = max(highest_currency) then min(lowest_currency) end as currency
    from months
    group by shop, customer_key
),

final as (
    select
        -- ids
        months.shop,
        months.customer_key,
        months.month_start,
        -- attributes
        customers.first_month,
        customers.cohort_month,
        customers.currency,
        -- measures
        months.orders,
        months.day_number,
        cast(months.net_amount as decimal(18, 4)) as net_amount,
        months.largest_net_amount,
        months.net_jpy,
        -- dates and timestamps
        months.last_order_date
    from months
    inner join customers
        on
            months.shop = customers.shop
            and months.customer_key = customers.customer_key
)

select * from final
