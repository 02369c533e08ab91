-- A returned row is a post whose counter was read from its first day on and never reset, and whose daily likes do not add up to its newest
-- count; or an account whose daily changes of followers, as long as the platform counts the same by that name, do not add up to the
-- difference between its first and its newest reading.
with posts as (
    select * from {{ ref('fct_sns_post_days') }}
),

accounts as (
    select * from {{ ref('fct_sns_account_days') }}
),

likes as (
    select
        post_key as counted,
        sum(likes_delta) as of_days,
        max(likes) as in_all
    from posts
    group by post_key
    having {{ count_if('is_reset or is_redefined') }} = 0 and {{ count_if('is_first_reading and likes_delta is null') }} = 0
),

meanings as (
    select * from {{ ref('int_platform_meanings') }}
),

followed as (
    select
        accounts.account_key,
        accounts.day,
        accounts.net_followers,
        accounts.net_adds,
        meanings.followers_since
    from accounts
    left join meanings
        on
            accounts.platform = meanings.platform
            and accounts.day = meanings.date_day
    where accounts.net_followers is not null
),

followers as (
    select
        account_key as counted,
        coalesce(sum(net_adds), 0) as of_days,
        max_by(net_followers, day) - min_by(net_followers, day) as in_all
    from followed
    group by account_key, followers_since
),

both_kinds as (
    select * from likes
    union all
    select * from followers
)

select * from both_kinds
where of_days <> in_all
