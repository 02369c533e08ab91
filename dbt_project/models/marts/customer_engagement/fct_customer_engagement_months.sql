-- One row per customer x month.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_months'}) }}
{%- set changed = ref('int_changed_months') %}
{%- set counts = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
] %}
{%- set subscription_counts = ["subscriptions_active", "subscriptions_paused", "subscriptions_cancelled"] %}
{%- set components = ["purchase", "advocacy", "participation", "interaction"] %}
{%- set ranked = {
    "recency": "last_order_date",
    "frequency": "orders_to_date",
    "monetary": "net_sales_jpy_to_date",
    "orders": "orders_12m",
    "sales": "known_jpy_12m",
    "advocacy": "advocacy_12m",
    "participation": "participation_12m",
    "interaction": "interaction_12m",
} %}
{%- set judged = "judged" if is_incremental() else ref('int_customer_standings') %}
with deeds as (
    select * from {{ ref('int_customer_months') }}
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
{%- if is_incremental() %}

judged as (
    select judged.*
    from {{ ref('int_customer_standings') }} as judged
    {{ where_changed('judged', changed, ['month_start']) }}
),
{%- endif %}
{%- for name, column in ranked.items() %}

{{ name }}_shares as (
    {{ shares_below(judged, column) }}
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
    from {{ judged }} as judged
    inner join recency_shares
        on
            judged.month_start = recency_shares.month_start
            and judged.last_order_date = recency_shares.value
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
        round(
            {%- for name in components %}
            {{ "+ " if not loop.first }}ranked.{{ name }}_rank * score_weights.{{ name }}_weight
            {%- endfor %}, 9
        ) as weighted_rank
    from ranked
    cross join score_weights
),

scored as (
    select
        *,
        {{ stable('100 * percent_rank() over (partition by month_start order by weighted_rank)') }} as engagement_score
    from weighed
),

-- A month without orders, returns or posts is 0 of them; a score nobody gave is empty.
final as (
    select
        -- ids
        scored.customer_key,
        scored.month_start,
        -- attributes
        scored.currency,
        segments.segment as rfm_segment,
        case
            when scored.engagement_score >= {{ var('tier_high_from') }} then 'high'
            when scored.engagement_score < {{ var('tier_low_below') }} then 'low'
            else 'middle'
        end as engagement_tier,
        -- measures
        coalesce(of_month.orders, 0) as orders,
        cast(case when scored.currency is not null then coalesce(of_month.net_amount, 0) end as decimal(18, 2)) as net_sales,
        case
            when of_month.customer_key is null then 0
            else cast(of_month.sold_jpy + of_month.returns_jpy as decimal(18, 2))
        end as net_sales_jpy,
        coalesce(of_month.returns_n, 0) as returns_n,
        cast(case when of_month.customer_key is null then 0 else of_month.returns_jpy end as decimal(18, 2)) as returns_jpy,
        scored.orders_to_date,
        scored.net_sales_jpy_to_date,
        scored.recency_days,
        scored.recency_quintile,
        scored.frequency_quintile,
        scored.monetary_quintile,
        {%- for name in subscription_counts %}
        coalesce(of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        cast(case when of_month.customer_key is null then 0 else of_month.mrr_jpy end as decimal(18, 2)) as mrr_jpy,
        of_month.nps_answer,
        of_month.csat_score,
        {%- for name in counts %}
        coalesce(of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in components %}
        {{ stable('100 * scored.' ~ name ~ '_rank') }} as {{ name }}_score,
        {%- endfor %}
        scored.engagement_score,
        -- flags
        coalesce(of_month.orders, 0) > 0 as is_active,
        scored.month_start = scored.first_month as is_new,
        coalesce(of_month.orders, 0) > 0 and scored.month_start <> scored.first_month as is_returning
    from scored
    left join segments
        on
            scored.recency_quintile = segments.recency_quintile
            and scored.frequency_quintile = segments.frequency_quintile
    left join deeds as of_month
        on
            scored.customer_key = of_month.customer_key
            and scored.month_start = of_month.month_start
)

select * from final
