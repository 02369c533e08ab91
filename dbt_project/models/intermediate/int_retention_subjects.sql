-- One row per landmark x customer who was not lost on it.
with customer_months as (
    select * from {{ ref('fct_customer_engagement_months') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

known_until as (
    select max(business_date) as last_date
    from {{ ref('int_customer_lapses') }}
    where shop = 'all'
),

-- Each half-year's first day: the tier is that of the month before, which knows nothing of what follows.
landmarks as (
    select
        dates.date_day as landmark_date,
        cast({{ dbt.dateadd('month', -1, 'dates.date_day') }} as date) as tier_month,
        known_until.last_date
    from dates
    cross join known_until
    where
        dates.date_day = dates.month_start
        and dates.month_number in (1, 7)
        and dates.date_day < known_until.last_date
),

tiers as (
    select
        landmarks.landmark_date,
        landmarks.last_date,
        customer_months.customer_key,
        customer_months.engagement_tier
    from landmarks
    inner join customer_months on landmarks.tier_month = customer_months.month_start
    where customer_months.recency_days < {{ var('lost_after_days') }}
),

losses as (
    select
        landmarks.landmark_date,
        lapses.customer_key,
        min(lapses.lost_date) as lost_date
    from {{ ref('int_customer_lapses') }} as lapses
    inner join landmarks
        on
            lapses.lost_date >= landmarks.landmark_date
            and lapses.lost_date <= landmarks.last_date
    where lapses.shop = 'all'
    group by landmarks.landmark_date, lapses.customer_key
),

final as (
    select
        -- ids
        tiers.landmark_date,
        tiers.customer_key,
        -- attributes
        tiers.engagement_tier as tier,
        -- measures
        cast({{ days_between('tiers.landmark_date', 'coalesce(losses.lost_date, tiers.last_date)') }} as bigint) as tenure_days,
        cast({{ days_between('tiers.landmark_date', 'tiers.last_date') }} as bigint) as horizon_days,
        -- flags
        losses.lost_date is not null as is_lost
    from tiers
    left join losses
        on
            tiers.landmark_date = losses.landmark_date
            and tiers.customer_key = losses.customer_key
)

select * from final
