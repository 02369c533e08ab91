-- One row per post x day of reading.
{{ config(materialized='incremental', unique_key=['platform', 'post_id'], meta={'changed': 'int_changed_posts'}) }}
{%- set changed = ref('int_changed_posts') %}
{%- set counters = ["impressions", "reach", "views", "likes", "replies", "reposts", "saves", "clicks"] %}
with posts as (
    select posts.*
    from {{ ref('stg_sns__posts') }} as posts
    {{ where_changed('posts', changed, ['platform', 'post_id']) }}
),

meanings as (
    select * from {{ ref('int_platform_meanings') }}
),

newest_first as (
    select
        *,
        row_number() over (partition by platform, post_id, day order by updated_at desc, connection asc) as version_rank
    from posts
),

meant as (
    select
        newest_first.*,
        {%- for counter in counters[:-1] %}
        meanings.{{ counter }}_since,
        {%- endfor %}
        meanings.clicks_since
    from newest_first
    left join meanings
        on
            newest_first.platform = meanings.platform
            and newest_first.day = meanings.date_day
    where newest_first.version_rank = 1
),

-- A platform may leave out a counter on a day: each is compared with its own last known reading.
compared as (
    select
        *,
        {%- for counter in counters %}
        {{ previous_known(counter, 'platform, post_id', 'day') }} as previous_{{ counter }},
        {{ previous_known('case when ' ~ counter ~ ' is not null then ' ~ counter ~ '_since end', 'platform, post_id', 'day') }}
            as previous_{{ counter }}_since,
        {%- endfor %}
        lag(day) over (partition by platform, post_id order by day) as previous_day
    from meant
),

-- What a counter shows after the platform began to count something else did not come since. What an old post had gathered before anybody read it did not come on the day of its first reading.
judged as (
    select
        *,
        {%- for counter in counters %}
        coalesce({{ counter }}_since <> previous_{{ counter }}_since, false) as is_{{ counter }}_redefined,
        {%- endfor %}
        previous_day is not null or {{ dbt.datediff('business_date', 'day', 'day') }} <= 1 as is_followed
    from compared
),

final as (
    select
        -- ids
        {{ key_of(['platform', 'post_id']) }} as post_key,
        {{ key_of(['platform', 'account_id']) }} as account_key,
        platform,
        post_id,
        account_id,
        day,
        -- attributes
        post_type,
        -- measures: counters so far
        {%- for counter in counters %}
        {{ counter }},
        {%- endfor %}
        -- measures: what came since the last reading
        {%- for counter in counters %}
        case when is_followed and not is_{{ counter }}_redefined then {{ counter_delta(counter, 'previous_' ~ counter) }} end as {{ counter }}_delta,
        {%- endfor %}
        cast({{ dbt.datediff('previous_day', 'day', 'day') }} - 1 as bigint) as gap_days,
        -- flags
        previous_day is null as is_first_reading,
        {%- for counter in counters %}
        {{ "or " if not loop.first }}coalesce({{ counter }} < previous_{{ counter }} and not is_{{ counter }}_redefined, false)
        {%- endfor %} as is_reset,
        {%- for counter in counters %}
        {{ "or " if not loop.first }}is_{{ counter }}_redefined
        {%- endfor %} as is_redefined,
        -- dates and timestamps
        business_date,
        posted_at
    from judged
)

select * from final
