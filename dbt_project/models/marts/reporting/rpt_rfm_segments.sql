-- One row per month x segment x segment of the month before.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_months'}) }}
{%- set changed = ref('int_changed_months') %}
with customer_months as (
    select customer_months.*
    from {{ ref('fct_customer_engagement_months') }} as customer_months
    {%- if is_incremental() %}
    -- Changed are all months from the first one on, and that one looks at the month before.
    where
        customer_months.month_start >= (
            select cast({{ dbt.dateadd('month', -1, 'min(changed.month_start)') }} as date)
            from {{ changed }} as changed
        )
    {%- endif %}
),

moves as (
    select
        month_start,
        customer_key,
        rfm_segment,
        engagement_tier,
        net_sales_jpy,
        net_sales_jpy_to_date,
        lag(rfm_segment, 1, 'none') over (partition by customer_key order by month_start) as previous_segment
    from customer_months
),

counted as (
    select
        moves.month_start,
        moves.rfm_segment,
        moves.previous_segment,
        count(*) as customers,
        {{ count_if("moves.engagement_tier = 'high'") }} as high_tier_customers,
        {{ sum_if_complete('moves.net_sales_jpy') }} as net_sales_jpy,
        {{ sum_if_complete('moves.net_sales_jpy_to_date') }} as net_sales_jpy_to_date
    from moves
    {{ where_changed('moves', changed, ['month_start']) }}
    group by moves.month_start, moves.rfm_segment, moves.previous_segment
),

final as (
    select
        -- ids
        month_start,
        rfm_segment,
        previous_segment,
        -- measures
        customers,
        {{ safe_divide('customers', 'sum(customers) over (partition by month_start)') }} as customer_share,
        high_tier_customers,
        net_sales_jpy,
        net_sales_jpy_to_date,
        -- flags
        rfm_segment = previous_segment as is_unmoved
    from counted
)

select * from final
