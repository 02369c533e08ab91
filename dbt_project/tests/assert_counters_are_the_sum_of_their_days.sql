-- A returned row is a post whose counter was read from its first day on and never reset, and whose daily likes do not add up to its newest
-- count; or an account whose daily changes of followers do not add up to the difference between its first and its newest reading.
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
    having {{ count_if('is_reset') }} = 0 and {{ count_if('is_first_reading and likes_delta is null') }} = 0
),

bounds as (
    select
        account_key,
        min(day) as first_day,
        max(day) as last_day
    from accounts
    where net_followers is not null
    group by account_key
),

followers as (
    select
        accounts.account_key as counted,
        coalesce(sum(accounts.net_adds), 0) as of_days,
        max(case when accounts.day = bounds.last_day then accounts.net_followers end)
        - max(case when accounts.day = bounds.first_day then accounts.net_followers end) as in_all
    from accounts
    inner join bounds on accounts.account_key = bounds.account_key
    group by accounts.account_key
),

both_kinds as (
    select * from likes
    union all
    select * from followers
)

select * from both_kinds
where of_days <> in_all
