-- One row per shop (or all) x customer x buying day.
with sales as (
    select * from {{ ref('int_shop_orders') }}
),

buying_days as (
    select distinct
        shop,
        customer_key,
        business_date,
        day_number
    from sales
),

known_until as (
    select
        shop,
        max(business_date) as last_date
    from sales
    group by shop
),

neighbours as (
    select
        buying_days.*,
        known_until.last_date,
        lag(buying_days.business_date) over (
            partition by buying_days.shop, buying_days.customer_key order by buying_days.business_date
        ) as previous_date,
        lead(buying_days.business_date) over (
            partition by buying_days.shop, buying_days.customer_key order by buying_days.business_date
        ) as next_date,
        cast({{ dbt.dateadd('day', var('lost_after_days'), 'buying_days.business_date') }} as date) as lapses_on
    from buying_days
    inner join known_until on buying_days.shop = known_until.shop
),

-- A customer is lost on the day the silence has lasted long enough; before that day nobody knows.
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
        case when lapses_on <= last_date and (next_date is null or next_date > lapses_on) then lapses_on end as lost_date
    from neighbours
)

select * from final
