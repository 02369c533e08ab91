-- One row per customer x month.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_months'}) }}
{%- set changed = ref('int_changed_months') %}
{%- set counts = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
] %}
{%- set of_month = ["orders", "returns_n", "subscriptions_active", "subscriptions_paused", "subscriptions_cancelled"] + counts %}
{%- set in_year = {
    "orders_12m": "deeds.orders",
    "net_jpy_12m": "coalesce(deeds.sold_jpy + deeds.returns_jpy, 0)",
    "advocacy_n": "deeds.organic_reviews + deeds.organic_posts + deeds.promoter_answers",
    "participation_n": "deeds.survey_responses + deeds.points_used_days + deeds.incentivised_reviews + deeds.incentivised_posts",
    "interaction_n": "greatest(deeds.mentions - deeds.organic_posts - deeds.incentivised_posts, 0)",
} %}
{%- set components = ["purchase", "advocacy", "participation", "interaction"] %}
{%- set ranked = {
    "recency": "last_order_so_far",
    "frequency": "orders_to_date",
    "monetary": "net_sales_jpy_to_date",
    "orders": "orders_12m",
    "sales": "known_jpy_12m",
    "advocacy": "advocacy_n",
    "participation": "participation_n",
    "interaction": "interaction_n",
} %}
with deeds as (
    select * from {{ ref('int_customer_months') }}
),

months as (
    select * from {{ ref('int_month_digests') }}
    where as_of_date is not null
),

segments as (
    select * from {{ ref('rfm_segments') }}
),

score_weights as (
    select
        {%- for component in components %}
        max(case when component = '{{ component }}' then weight end) as {{ component }}_weight,
        {%- endfor %}
        count(*) as components
    from {{ ref('customer_score_weights') }}
),

judged_months as (
    select
        months.month_start,
        months.as_of_date,
        cast({{ dbt.dateadd('month', -11, 'months.month_start') }} as date) as year_from
    from months
    {{ where_changed('months', changed, ['month_start']) }}
),

-- What a customer did up to each month. The score counts 12 months, the current one included. Something given for it makes a deed
-- participation, not advocacy.
running as (
    select
        deeds.customer_key,
        judged_months.month_start,
        judged_months.as_of_date,
        min(deeds.first_month) as first_month,
        min(deeds.currency) as currency,
        max(deeds.last_order_date) as last_order_so_far,
        sum(deeds.orders) as orders_to_date,
        {{ sum_if_complete('deeds.sold_jpy + deeds.returns_jpy') }} as net_sales_jpy_to_date,
        {%- for name, deed in in_year.items() %}
        sum(case when deeds.month_start >= judged_months.year_from then {{ deed }} else 0 end) as {{ name }},
        {%- endfor %}
        {{ count_if('deeds.month_start >= judged_months.year_from and deeds.sold_jpy + deeds.returns_jpy is null') }} as unknown_months_12m
    from deeds
    inner join judged_months on deeds.month_start <= judged_months.month_start
    group by deeds.customer_key, judged_months.month_start, judged_months.as_of_date
),

-- A month without orders, returns or posts is 0 of them; a score nobody gave is empty.
judged as (
    select
        running.*,
        running.month_start = running.first_month as is_new,
        case when running.unknown_months_12m = 0 then running.net_jpy_12m else 0 end as known_jpy_12m,
        cast({{ dbt.datediff('running.last_order_so_far', 'running.as_of_date', 'day') }} as bigint) as recency_days,
        case when running.currency is not null then coalesce(of_month.net_amount, 0) end as net_sales,
        case
            when of_month.customer_key is null then 0
            else cast(of_month.sold_jpy + of_month.returns_jpy as decimal(18, 2))
        end as net_sales_jpy,
        {%- for name in of_month %}
        coalesce(of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in ["returns_jpy", "mrr_jpy"] %}
        case when of_month.customer_key is null then 0 else of_month.{{ name }} end as {{ name }},
        {%- endfor %}
        of_month.nps_answer,
        of_month.csat_score
    from running
    left join deeds as of_month
        on
            running.customer_key = of_month.customer_key
            and running.month_start = of_month.month_start
),
{%- for name, column in ranked.items() %}

{{ name }}_shares as (
    {{ shares_below('judged', column) }}
),
{%- endfor %}

-- Who does nothing of a kind has 0 of it, whatever the others do.
ranked as (
    select
        judged.*,
        {%- for name in ["recency", "frequency", "monetary"] %}
        {{ quintile(name ~ '_shares.share') }} as {{ name }}_quintile,
        {%- endfor %}
        {%- for name in components[1:] %}
        {{ name }}_shares.share as {{ name }}_rank,
        {%- endfor %}
        (recency_shares.share + orders_shares.share + sales_shares.share) / 3 as purchase_rank
    from judged
    inner join recency_shares
        on
            judged.month_start = recency_shares.month_start
            and judged.last_order_so_far = recency_shares.value
    {%- for name in ranked if name != "recency" %}
    left join {{ name }}_shares
        on
            judged.month_start = {{ name }}_shares.month_start
            and judged.{{ ranked[name] }} = {{ name }}_shares.value
    {%- endfor %}
),

weighed as (
    select
        ranked.*,
        segments.segment as rfm_segment,
        round(
            {%- for name in components %}
            {{ "+ " if not loop.first }}ranked.{{ name }}_rank * score_weights.{{ name }}_weight
            {%- endfor %}, 9
        ) as weighted_rank
    from ranked
    cross join score_weights
    left join segments
        on
            ranked.recency_quintile = segments.recency_quintile
            and ranked.frequency_quintile = segments.frequency_quintile
),

score_shares as (
    {{ shares_below('weighed', 'weighted_rank') }}
),

scored as (
    select
        weighed.*,
        {{ stable('100 * score_shares.share') }} as engagement_score
    from weighed
    inner join score_shares
        on
            weighed.month_start = score_shares.month_start
            and weighed.weighted_rank = score_shares.value
),

final as (
    select
        -- ids
        customer_key,
        month_start,
        -- attributes
        currency,
        rfm_segment,
        case
            when engagement_score >= {{ var('tier_high_from') }} then 'high'
            when engagement_score < {{ var('tier_low_below') }} then 'low'
            else 'middle'
        end as engagement_tier,
        -- measures
        orders,
        cast(net_sales as decimal(18, 2)) as net_sales,
        net_sales_jpy,
        returns_n,
        cast(returns_jpy as decimal(18, 2)) as returns_jpy,
        cast(orders_to_date as bigint) as orders_to_date,
        net_sales_jpy_to_date,
        recency_days,
        recency_quintile,
        frequency_quintile,
        monetary_quintile,
        subscriptions_active,
        subscriptions_paused,
        subscriptions_cancelled,
        cast(mrr_jpy as decimal(18, 2)) as mrr_jpy,
        nps_answer,
        csat_score,
        {%- for name in counts %}
        {{ name }},
        {%- endfor %}
        {%- for name in components %}
        {{ stable('100 * ' ~ name ~ '_rank') }} as {{ name }}_score,
        {%- endfor %}
        engagement_score,
        -- flags
        orders > 0 as is_active,
        is_new,
        orders > 0 and not is_new as is_returning
    from scored
)

select * from final
