-- One row per shop (or all) x customer x buying day.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_customers'}) }}
{%- set changed = ref('int_changed_customers') %}
with buying_days as (
    select distinct
        sales.shop,
        sales.customer_key,
        sales.business_date,
        sales.day_number
    from {{ ref('int_shop_orders') }} as sales
    {{ where_changed('sales', changed, ['customer_key']) }}
),

neighbours as (
    select
        *,
        lag(business_date) over days_of_customer as previous_date,
        lead(business_date) over days_of_customer as next_date,
        cast({{ dbt.dateadd('day', var('lost_after_days'), 'business_date') }} as date) as lapses_on
    from buying_days
    window days_of_customer as (partition by shop, customer_key order by business_date)
),

-- A customer is lost on the day the silence has lasted long enough. Whether that day has come is not said here: the row would change with
-- everybody else's sales.
final as (
    select
        -- ids
        shop,
        customer_key,
        business_date,
        -- measures
        day_number,
        cast({{ dbt.datediff('previous_date', 'business_date', 'day') }} as bigint) as days_since_previous,
        -- flags
        coalesce({{ dbt.datediff('previous_date', 'business_date', 'day') }} > {{ var('lost_after_days') }}, false) as is_regained,
        -- dates
        next_date,
        case when next_date is null or next_date > lapses_on then lapses_on end as lost_date
    from neighbours
)

select * from final
