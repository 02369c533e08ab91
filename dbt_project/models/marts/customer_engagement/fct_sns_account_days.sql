-- One row per account x day.
with readings as (
    select * from {{ ref('int_sns_account_readings') }}
),

posts as (
    select * from {{ ref('fct_sns_post_days') }}
),

accounts as (
    select * from {{ ref('dim_sns_accounts') }}
),

meanings as (
    select * from {{ ref('int_platform_meanings') }}
),

posts_of_day as (
    select
        account_key,
        business_date as day,
        count(distinct post_key) as posts
    from posts
    group by account_key, business_date
),

days as (
    select
        account_key,
        day
    from readings
    union
    select
        account_key,
        day
    from posts_of_day
    union
    select
        account_key,
        day
    from posts
),

-- Only days on which the followers are known can be compared, and only while the platform counts the same by that name.
followers_known as (
    select
        readings.account_key,
        readings.day,
        readings.net_followers,
        coalesce(meanings.followers_since, cast('2000-01-01' as date)) as followers_since
    from readings
    left join meanings
        on
            readings.platform = meanings.platform
            and readings.day = meanings.date_day
    where readings.net_followers is not null
),

followers_compared as (
    select
        account_key,
        day,
        case
            when followers_since = lag(followers_since) over (partition by account_key order by day)
                then net_followers - lag(net_followers) over (partition by account_key order by day)
        end as net_adds,
        {{ dbt.datediff('lag(day) over (partition by account_key order by day)', 'day', 'day') }} - 1 as gap_days
    from followers_known
),

posting_accounts as (
    select distinct account_key from posts_of_day
),

-- No post on a day is 0 where the account's posts are landed at all; a counter nobody read stays empty.
final as (
    select
        -- ids
        days.account_key,
        accounts.platform,
        accounts.account_id,
        days.day,
        -- measures
        readings.followers,
        readings.blocks,
        readings.net_followers,
        followers_compared.net_adds,
        cast(followers_compared.gap_days as bigint) as gap_days,
        readings.following,
        readings.posts_total,
        case when posting_accounts.account_key is not null then coalesce(posts_of_day.posts, 0) end as posts,
        readings.reach,
        readings.impressions,
        readings.profile_views,
        -- dates
        greatest(meanings.followers_since, meanings.reach_since, meanings.impressions_since) as comparable_since
    from days
    inner join accounts on days.account_key = accounts.account_key
    left join readings
        on
            days.account_key = readings.account_key
            and days.day = readings.day
    left join followers_compared
        on
            days.account_key = followers_compared.account_key
            and days.day = followers_compared.day
    left join meanings
        on
            accounts.platform = meanings.platform
            and days.day = meanings.date_day
    left join posts_of_day
        on
            days.account_key = posts_of_day.account_key
            and days.day = posts_of_day.day
    left join posting_accounts on days.account_key = posting_accounts.account_key
)

select * from final
