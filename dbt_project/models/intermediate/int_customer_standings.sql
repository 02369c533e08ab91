-- One row per customer x month.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_months'}) }}
{%- set changed = ref('int_changed_months') %}
{%- set to_date = {
    "orders": "deeds.orders",
    "known_jpy": "coalesce(deeds.sold_jpy + deeds.returns_jpy, 0)",
    "unknown_months": "case when deeds.sold_jpy + deeds.returns_jpy is null then 1 else 0 end",
} %}
{%- set in_year = dict(
    to_date,
    advocacy="deeds.organic_reviews + deeds.organic_posts + deeds.promoter_answers",
    participation="deeds.survey_responses + deeds.points_used_days + deeds.incentivised_reviews + deeds.incentivised_posts",
    interaction="greatest(deeds.mentions - deeds.organic_posts - deeds.incentivised_posts, 0)",
) %}
with deeds as (
    select * from {{ ref('int_customer_months') }}
),

months as (
    select * from {{ ref('int_month_digests') }}
    where as_of_date is not null
),

judged_months as (
    select
        months.month_start,
        months.as_of_date
    from months
    {{ where_changed('months', changed, ['month_start']) }}
),

last_month as (
    select max(month_start) as month_start from judged_months
),

-- What is done in a month counts in the first judged month that is not before it, and from there on. Of 12 months, the judged one
-- included, it is taken off in the first judged month that is a year later.
turns as (
    {%- for sign, later in [(1, 0), (-1, 12)] %}
    select
        months.month_start as deed_month,
        {{ sign }} as sign,
        min(judged_months.month_start) as month_start
    from months
    inner join judged_months on {{ dbt.dateadd('month', later, 'months.month_start') }} <= judged_months.month_start
    group by months.month_start
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Something given for it makes a deed participation, not advocacy.
changes as (
    select
        deeds.customer_key,
        turns.month_start,
        deeds.first_month,
        deeds.currency,
        {%- for name, deed in to_date.items() %}
        sum(case when turns.sign = 1 then {{ deed }} else 0 end) as {{ name }}_to_date,
        {%- endfor %}
        {%- for name, deed in in_year.items() %}
        sum(turns.sign * ({{ deed }})) as {{ name }}_12m,
        {%- endfor %}
        max(case when turns.sign = 1 then deeds.last_order_date end) as last_order_date
    from deeds
    inner join turns on deeds.month_start = turns.deed_month
    group by deeds.customer_key, turns.month_start, deeds.first_month, deeds.currency
),

states as (
    select
        customer_key,
        month_start,
        lead(month_start) over so_far as next_month,
        first_month,
        currency,
        {%- for name in to_date %}
        sum({{ name }}_to_date) over so_far as {{ name }}_to_date,
        {%- endfor %}
        {%- for name in in_year %}
        sum({{ name }}_12m) over so_far as {{ name }}_12m,
        {%- endfor %}
        max(last_order_date) over so_far as last_order_date
    from changes
    window so_far as (partition by customer_key order by month_start)
),

-- A state holds until the month before the next one.
held as (
    select
        states.*,
        {{ date_series(
            'states.month_start',
            'coalesce(cast(' ~ dbt.dateadd('month', -1, 'states.next_month') ~ ' as date), last_month.month_start)',
            'month'
        ) }} as held_month
    from states
    cross join last_month
),

final as (
    select
        -- ids
        held.customer_key,
        judged_months.month_start,
        -- attributes
        held.first_month,
        held.currency,
        -- measures
        cast(held.orders_to_date as bigint) as orders_to_date,
        cast(case when held.unknown_months_to_date = 0 then held.known_jpy_to_date end as decimal(18, 2)) as net_sales_jpy_to_date,
        cast(case when held.unknown_months_12m = 0 then held.known_jpy_12m else 0 end as decimal(18, 2)) as known_jpy_12m,
        {%- for name in ["orders", "advocacy", "participation", "interaction"] %}
        cast(held.{{ name }}_12m as bigint) as {{ name }}_12m,
        {%- endfor %}
        cast({{ dbt.datediff('held.last_order_date', 'judged_months.as_of_date', 'day') }} as bigint) as recency_days,
        -- dates and timestamps
        held.last_order_date
    from held
    inner join judged_months on held.held_month = judged_months.month_start
)

select * from final
