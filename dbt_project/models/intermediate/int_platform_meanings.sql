-- One row per platform x day.
{%- set counters = ["followers", "reach", "impressions", "views", "likes", "replies", "reposts", "saves", "clicks"] %}
with meanings as (
    select * from {{ ref('platform_metrics') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

-- A counter's meaning is known by the day it began; an early day stands for a platform and counter nobody wrote of.
final as (
    select
        meanings.platform,
        {%- for counter in counters %}
        coalesce(
            max(case when meanings.metric = '{{ counter }}' then meanings.valid_from end), cast('2000-01-01' as date)
        ) as {{ counter }}_since,
        {%- endfor %}
        dates.date_day
    from dates
    inner join meanings on dates.date_day >= meanings.valid_from
    group by meanings.platform, dates.date_day
)

select * from final
