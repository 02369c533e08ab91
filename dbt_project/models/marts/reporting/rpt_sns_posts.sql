-- One row per post.
{%- set ages = [1, 7, 28] %}
with readings as (
    select
        *,
        {{ engagements('likes', 'replies', 'reposts', 'saves') }} as engagements,
        {{ days_between('business_date', 'day') }} as age
    from {{ ref('fct_sns_post_days') }}
),

-- What is read more than once is named where it is read: DuckDB would put all of it aside.
posts as (
    select
        post_key,
        account_key,
        business_date,
        min(day) as first_day,
        max(day) as last_day
    from {{ ref('fct_sns_post_days') }}
    group by post_key, account_key, business_date
),

newest as (
    select
        post_key,
        max(last_day) as day
    from posts
    group by post_key
),

-- A reading a day late still stands for the age, if there was none on the day; one that came later does not.
at_age as (
    select
        post_key,
        account_key,
        case when age in ({{ ages | join(", ") }}) then age else age - 1 end as age,
        engagements,
        impressions
    from (
        select
            post_key,
            account_key,
            {{ days_between('business_date', 'day') }} as age,
            {{ engagements('likes', 'replies', 'reposts', 'saves') }} as engagements,
            impressions,
            coalesce(gap_days, 1) > 0 as is_late
        from {{ ref('fct_sns_post_days') }}
    ) as aged
    where age in ({{ ages | join(", ") }}) or (is_late and age - 1 in ({{ ages | join(", ") }}))
),

medians as (
    select
        account_key,
        age,
        count(engagements) as posts_compared,
        cast(median(engagements) as double) as median_engagements
    from at_age
    group by account_key, age
),

compared as (
    select
        {%- for age in ages %}
        max(case when at_age.age = {{ age }} then at_age.engagements end) as engagements_day_{{ age }},
        max(case when at_age.age = {{ age }} then at_age.impressions end) as impressions_day_{{ age }},
        max(
            case
                when at_age.age = {{ age }} and medians.posts_compared >= {{ var('posts_compared_min') }}
                    then {{ safe_divide('at_age.engagements', 'medians.median_engagements') }}
            end
        ) as ratio_to_median_day_{{ age }},
        {%- endfor %}
        at_age.post_key
    from at_age
    inner join medians
        on
            at_age.account_key = medians.account_key
            and at_age.age = medians.age
    group by at_age.post_key
),

known_until as (
    select
        account_key,
        min(first_day) as first_day,
        max(last_day) as last_day
    from posts
    group by account_key
),

posts_of_day as (
    select
        account_key,
        business_date,
        count(*) as posts_n
    from posts
    group by account_key, business_date
),

-- A post has one reading a day.
ages_read as (
    select
        account_key,
        {{ days_between('business_date', 'day') }} as age,
        count(*) as posts_read
    from {{ ref('fct_sns_post_days') }}
    group by account_key, {{ days_between('business_date', 'day') }}
),

-- The ages at which the account's posts are usually read: at least half of those that were old enough were.
expected_ages as (
    select
        ages_read.account_key,
        ages_read.age
    from ages_read
    inner join known_until on ages_read.account_key = known_until.account_key
    inner join posts_of_day
        on
            ages_read.account_key = posts_of_day.account_key
            and {{ days_between('posts_of_day.business_date', 'known_until.last_day') }} >= ages_read.age
            and {{ days_between('known_until.first_day', 'posts_of_day.business_date') }} + ages_read.age >= 0
    group by ages_read.account_key, ages_read.age, ages_read.posts_read
    having ages_read.posts_read * 2 >= sum(posts_of_day.posts_n)
),

-- A post that is read no more though its like still are was taken down, by us or by the platform.
vanished as (
    select
        posts.post_key,
        min(expected_ages.age) as missed_age
    from posts
    inner join known_until on posts.account_key = known_until.account_key
    inner join expected_ages
        on
            posts.account_key = expected_ages.account_key
            and {{ days_between('posts.business_date', 'posts.last_day') }} < expected_ages.age
            and {{ days_between('posts.business_date', 'known_until.last_day') }} >= expected_ages.age
    group by posts.post_key
),

final as (
    select
        -- ids
        readings.post_key,
        readings.account_key,
        readings.platform,
        readings.post_id,
        -- attributes
        readings.post_type,
        -- measures: at the newest reading
        cast(readings.age as bigint) as last_age,
        readings.impressions,
        readings.reach,
        readings.views,
        cast(readings.engagements as bigint) as engagements,
        {{ safe_divide('readings.engagements', 'readings.reach') }} as engagement_rate_by_reach,
        {{ safe_divide('readings.engagements', 'readings.impressions') }} as engagement_rate_by_impressions,
        -- measures: at the age of so many days
        {%- for age in ages %}
        cast(compared.engagements_day_{{ age }} as bigint) as engagements_day_{{ age }},
        cast(compared.impressions_day_{{ age }} as bigint) as impressions_day_{{ age }},
        compared.ratio_to_median_day_{{ age }},
        {%- endfor %}
        -- flags
        vanished.post_key is not null as is_vanished,
        -- dates and timestamps
        readings.business_date,
        cast({{ dbt.dateadd('day', 'vanished.missed_age', 'readings.business_date') }} as date) as missing_since,
        readings.posted_at
    from readings
    inner join newest
        on
            readings.post_key = newest.post_key
            and readings.day = newest.day
    left join compared on readings.post_key = compared.post_key
    left join vanished on readings.post_key = vanished.post_key
)

select * from final
