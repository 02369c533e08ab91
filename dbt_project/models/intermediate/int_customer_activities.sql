-- One row per customer x month in which they did something beside buying.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_activities'}) }}
{%- set changed = ref('int_changed_activities') %}
with aliases as (
    select aliases.*
    from {{ ref('int_customer_aliases') }} as aliases
    {{ where_changed('aliases', changed, ['customer_key']) }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

reviews as (
    select reviews.*
    from {{ ref('fct_reviews') }} as reviews
    {{ where_changed('reviews', changed, ['customer_key']) }}
),

points as (
    select * from {{ ref('stg_ec__points') }}
),

-- Only surveys that told people their answers are read by person.
answered as (
    select
        aliases.customer_key,
        {{ month_start('answers.business_date') }} as month_start,
        answers.response_id,
        case when answers.kind = 'nps' then answers.numeric_value end as nps_answer,
        case when answers.kind = 'csat' then answers.score_100 end as csat_score,
        answers.kind = 'nps' and answers.is_favourable as is_promoter
    from answers
    inner join aliases on answers.respondent_pid = aliases.alias_pid
    where answers.audience = 'customer' and answers.mode = 'identified' and answers.is_latest_response
),

answers_of_month as (
    select
        customer_key,
        month_start,
        {{ stable('avg(nps_answer)') }} as nps_answer,
        {{ stable('avg(csat_score)') }} as csat_score,
        count(distinct response_id) as survey_responses,
        count(distinct case when is_promoter then response_id end) as promoter_answers
    from answered
    group by customer_key, month_start
),

mentions_of_month as (
    select
        aliases.customer_key,
        {{ month_start('mentions.business_date') }} as month_start,
        count(*) as mentions,
        {{ count_if('mentions.is_ugc and not coalesce(mentions.is_incentivised, false)') }} as organic_posts,
        {{ count_if('mentions.is_incentivised') }} as incentivised_posts
    from mentions
    inner join aliases on mentions.author_pid = aliases.alias_pid
    group by aliases.customer_key, {{ month_start('mentions.business_date') }}
),

reviews_of_month as (
    select
        customer_key,
        {{ month_start('business_date') }} as month_start,
        {{ count_if('not coalesce(is_incentivised, false)') }} as organic_reviews,
        {{ count_if('is_incentivised') }} as incentivised_reviews
    from reviews
    where customer_key is not null
    group by customer_key, {{ month_start('business_date') }}
),

points_of_month as (
    select
        aliases.customer_key,
        {{ month_start('points.business_date') }} as month_start,
        count(distinct case when points.type = 'used' then points.business_date end) as points_used_days
    from points
    inner join aliases on {{ alias_of('points', has_phone=false) }} = aliases.alias_pid
    group by aliases.customer_key, {{ month_start('points.business_date') }}
),

everything as (
    {%- for relation in ["answers_of_month", "mentions_of_month", "reviews_of_month", "points_of_month"] %}
    select
        customer_key,
        month_start
    from {{ relation }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        -- measures
        answers_of_month.nps_answer,
        answers_of_month.csat_score,
        {%- for name in ["survey_responses", "promoter_answers"] %}
        coalesce(answers_of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in ["mentions", "organic_posts", "incentivised_posts"] %}
        coalesce(mentions_of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in ["organic_reviews", "incentivised_reviews"] %}
        coalesce(reviews_of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        coalesce(points_of_month.points_used_days, 0) as points_used_days,
        -- ids
        everything.customer_key,
        everything.month_start
    from everything
    left join answers_of_month
        on
            everything.customer_key = answers_of_month.customer_key
            and everything.month_start = answers_of_month.month_start
    left join mentions_of_month
        on
            everything.customer_key = mentions_of_month.customer_key
            and everything.month_start = mentions_of_month.month_start
    left join reviews_of_month
        on
            everything.customer_key = reviews_of_month.customer_key
            and everything.month_start = reviews_of_month.month_start
    left join points_of_month
        on
            everything.customer_key = points_of_month.customer_key
            and everything.month_start = points_of_month.month_start
)

select * from final
