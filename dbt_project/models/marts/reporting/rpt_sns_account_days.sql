-- One row per account x day.
with account_days as (
    select * from {{ ref('fct_sns_account_days') }}
),

post_days as (
    select * from {{ ref('fct_sns_post_days') }}
),

interactions as (
    select
        account_key,
        day,
        cast(sum({{ engagements('likes_delta', 'replies_delta', 'reposts_delta', 'saves_delta') }}) as bigint) as engagements,
        cast(sum(clicks_delta) as bigint) as clicks
    from post_days
    group by account_key, day
),

-- Three rates with three denominators, each of the account on that day; one is never read for another.
final as (
    select
        -- ids
        account_days.account_key,
        account_days.platform,
        account_days.account_id,
        account_days.day,
        -- measures
        account_days.net_followers as followers,
        account_days.net_adds,
        {{ safe_divide('account_days.net_adds', 'account_days.net_followers - account_days.net_adds') }} as follower_growth,
        account_days.gap_days,
        account_days.posts,
        account_days.reach,
        account_days.impressions,
        interactions.engagements,
        interactions.clicks,
        {{ safe_divide('interactions.engagements', 'account_days.reach') }} as engagement_rate_by_reach,
        {{ safe_divide('interactions.engagements', 'account_days.impressions') }} as engagement_rate_by_impressions,
        {{ safe_divide('interactions.engagements', 'account_days.net_followers') }} as engagement_rate_by_followers,
        -- dates
        account_days.comparable_since
    from account_days
    left join interactions
        on
            account_days.account_key = interactions.account_key
            and account_days.day = interactions.day
)

select * from final
