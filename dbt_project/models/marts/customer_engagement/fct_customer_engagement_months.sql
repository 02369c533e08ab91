-- One row per customer x month.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_months'}) }}
{%- set changed = ref('int_changed_months') %}
{%- set counts = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
] %}
{%- set of_month = ["orders", "returns_n", "subscriptions_active", "subscriptions_paused", "subscriptions_cancelled"] + counts %}
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

customers as (
    select distinct
        customer_key,
        first_month,
        currency
    from deeds
),
{%- if is_incremental() %}

-- The months that change look back on 12. What a customer did before those only adds to what they did to date: it is one row.
opening as (
    select cast({{ dbt.dateadd('month', -12, 'min(month_start)') }} as date) as month_start
    from {{ changed }}
),

looked_at as (
    select months.*
    from months
    cross join opening
    where months.month_start >= opening.month_start
),

gathered as (
    select
        deeds.customer_key,
        greatest(deeds.month_start, opening.month_start) as month_start,
        {%- for name in of_month %}
        cast(sum(deeds.{{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in ["mrr_jpy", "nps_answer", "csat_score", "last_order_date"] %}
        max(deeds.{{ name }}) as {{ name }},
        {%- endfor %}
        {{ sum_if_complete('deeds.sold_jpy') }} as sold_jpy,
        {{ sum_if_complete('deeds.returns_jpy') }} as returns_jpy,
        sum(deeds.net_amount) as net_amount
    from deeds
    cross join opening
    group by deeds.customer_key, greatest(deeds.month_start, opening.month_start)
),
{%- else %}

looked_at as (
    select * from months
),

gathered as (
    select * from deeds
),
{%- endif %}

-- A month without orders, returns or posts is 0 of them; a score nobody gave is empty.
filled as (
    select
        customers.customer_key,
        looked_at.month_start,
        looked_at.as_of_date,
        customers.currency,
        looked_at.month_start = customers.first_month as is_new,
        gathered.last_order_date,
        case when customers.currency is not null then coalesce(gathered.net_amount, 0) end as net_sales,
        {%- for name in of_month %}
        coalesce(gathered.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        {%- for name in ["sold_jpy", "returns_jpy", "mrr_jpy"] %}
        case when gathered.customer_key is null then 0 else gathered.{{ name }} end as {{ name }},
        {%- endfor %}
        gathered.nps_answer,
        gathered.csat_score
    from customers
    inner join looked_at on customers.first_month <= looked_at.month_start
    left join gathered
        on
            customers.customer_key = gathered.customer_key
            and looked_at.month_start = gathered.month_start
),

running as (
    select
        *,
        cast(sold_jpy + returns_jpy as decimal(18, 2)) as net_sales_jpy,
        max(last_order_date) over to_date as last_order_so_far,
        sum(orders) over to_date as orders_to_date,
        sum(sold_jpy + returns_jpy) over to_date as known_jpy_to_date,
        sum(case when sold_jpy + returns_jpy is null then 1 else 0 end) over to_date as unknown_months
    from filled
    window to_date as (partition by customer_key order by month_start rows between unbounded preceding and current row)
),

-- The score counts 12 months, the current one included. Something given for it makes a deed participation, not advocacy.
valued as (
    select
        *,
        case when unknown_months = 0 then cast(known_jpy_to_date as decimal(18, 2)) end as net_sales_jpy_to_date,
        cast({{ dbt.datediff('last_order_so_far', 'as_of_date', 'day') }} as bigint) as recency_days,
        sum(orders) over year_to_month as orders_12m,
        case
            when sum(case when net_sales_jpy is null then 1 else 0 end) over year_to_month = 0
                then sum(net_sales_jpy) over year_to_month
            else 0
        end as known_jpy_12m,
        sum(organic_reviews + organic_posts + promoter_answers) over year_to_month as advocacy_n,
        sum(survey_responses + points_used_days + incentivised_reviews + incentivised_posts) over year_to_month as participation_n,
        sum(greatest(mentions - organic_posts - incentivised_posts, 0)) over year_to_month as interaction_n
    from running
    window year_to_month as (partition by customer_key order by month_start rows between 11 preceding and current row)
),

judged as (
    select valued.*
    from valued
    {{ where_changed('valued', changed, ['month_start']) }}
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
