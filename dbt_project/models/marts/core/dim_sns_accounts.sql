-- One row per SNS account.
with readings as (
    select * from {{ ref('int_sns_account_readings') }}
),

posts as (
    select * from {{ ref('fct_sns_post_days') }}
),

sightings as (
    select
        account_key,
        platform,
        account_id,
        min(day) as first_date,
        max(day) as last_date
    from readings
    group by account_key, platform, account_id
    union all
    select
        account_key,
        platform,
        account_id,
        min(business_date) as first_date,
        max(day) as last_date
    from posts
    group by account_key, platform, account_id
),

final as (
    select
        account_key,
        platform,
        account_id,
        min(first_date) as first_date,
        max(last_date) as last_date
    from sightings
    group by account_key, platform, account_id
)

select * from final
