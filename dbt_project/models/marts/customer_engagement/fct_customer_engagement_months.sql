-- One row per customer x month.
{%- set counts = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
] %}
{%- set components = ["purchase", "advocacy", "participation", "interaction"] %}
with sales as (
    select * from {{ ref('int_shop_orders') }}
),

shop_months as (
    select * from {{ ref('int_shop_months') }}
),

adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

activities as (
    select * from {{ ref('int_customer_activities') }}
),

subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
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

months as (
    select
        month_start,
        month_end
    from shop_months
    where shop = 'all'
),

customers as (
    select
        customer_key,
        min(month_start) as first_month,
        case when min(currency) = max(currency) then min(currency) end as currency
    from sales
    where shop = 'all'
    group by customer_key
),

sales_of_month as (
    select
        customer_key,
        month_start,
        count(*) as orders,
        max(business_date) as last_order_date,
        sum(net_amount) as net_amount,
        {{ sum_if_complete('net_jpy') }} as net_jpy
    from sales
    where shop = 'all'
    group by customer_key, month_start
),

returns_of_month as (
    select
        customer_key,
        {{ month_start('business_date') }} as month_start,
        count(*) as adjustments_n,
        sum(goods_amount) as returns,
        {{ sum_if_complete('goods_jpy') }} as returns_jpy
    from adjustments
    where is_counted and customer_key is not null
    group by customer_key, {{ month_start('business_date') }}
),

subscriptions_of_month as (
    select
        customer_key,
        month_start,
        {{ count_if("state_closing = 'active'") }} as subscriptions_active,
        {{ count_if("state_closing = 'paused'") }} as subscriptions_paused,
        cast(sum(churned + churned_while_paused) as bigint) as subscriptions_cancelled,
        {{ sum_if_complete('mrr_closing_jpy') }} as mrr_jpy
    from subscription_months
    where customer_key is not null
    group by customer_key, month_start
),

-- A month without orders, returns or posts is 0 of them; a score nobody gave is empty.
filled as (
    select
        customers.customer_key,
        months.month_start,
        months.month_end,
        customers.currency,
        months.month_start = customers.first_month as is_new,
        sales_of_month.last_order_date,
        coalesce(sales_of_month.orders, 0) as orders,
        coalesce(returns_of_month.adjustments_n, 0) as returns_n,
        case
            when customers.currency is not null
                then cast(coalesce(sales_of_month.net_amount, 0) + coalesce(returns_of_month.returns, 0) as decimal(18, 4))
        end as net_sales,
        case when returns_of_month.customer_key is null then 0 else returns_of_month.returns_jpy end as returns_jpy,
        case when sales_of_month.customer_key is null then 0 else sales_of_month.net_jpy end as sold_jpy,
        {%- for name in ["subscriptions_active", "subscriptions_paused", "subscriptions_cancelled"] %}
        coalesce(subscriptions_of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        case when subscriptions_of_month.customer_key is null then 0 else subscriptions_of_month.mrr_jpy end as mrr_jpy,
        {%- for name in counts %}
        coalesce(activities.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        activities.nps_answer,
        activities.csat_score
    from customers
    inner join months on customers.first_month <= months.month_start
    {%- for relation in ["sales_of_month", "returns_of_month", "subscriptions_of_month", "activities"] %}
    left join {{ relation }}
        on
            customers.customer_key = {{ relation }}.customer_key
            and months.month_start = {{ relation }}.month_start
    {%- endfor %}
),

last_day as (
    select max(business_date) as last_date from sales
),

running as (
    select
        filled.*,
        cast(filled.sold_jpy + filled.returns_jpy as decimal(18, 2)) as net_sales_jpy,
        least(filled.month_end, last_day.last_date) as as_of_date,
        max(filled.last_order_date) over to_date as last_order_so_far,
        sum(filled.orders) over to_date as orders_to_date,
        sum(filled.sold_jpy + filled.returns_jpy) over to_date as known_jpy_to_date,
        sum(case when filled.sold_jpy + filled.returns_jpy is null then 1 else 0 end) over to_date as unknown_months
    from filled
    cross join last_day
    window to_date as (
        partition by filled.customer_key order by filled.month_start rows between unbounded preceding and current row
    )
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
        end as net_sales_jpy_12m,
        sum(organic_reviews + organic_posts + promoter_answers) over year_to_month as advocacy_n,
        sum(survey_responses + points_used_days + incentivised_reviews + incentivised_posts) over year_to_month as participation_n,
        sum(greatest(mentions - organic_posts - incentivised_posts, 0)) over year_to_month as interaction_n
    from running
    window year_to_month as (partition by customer_key order by month_start rows between 11 preceding and current row)
),

-- Who does nothing of a kind has 0 of it, whatever the others do.
ranked as (
    select
        *,
        {{ quintile('month_start', 'last_order_so_far') }} as recency_quintile,
        {{ quintile('month_start', 'orders_to_date') }} as frequency_quintile,
        case
            when net_sales_jpy_to_date is not null
                then {{ quintile('month_start, net_sales_jpy_to_date is null', 'net_sales_jpy_to_date') }}
        end as monetary_quintile,
        (
            percent_rank() over (partition by month_start order by recency_days desc)
            + percent_rank() over (partition by month_start order by orders_12m)
            + percent_rank() over (partition by month_start order by coalesce(net_sales_jpy_12m, 0))
        ) / 3 as purchase_rank,
        {%- for name in components[1:-1] %}
        percent_rank() over (partition by month_start order by {{ name }}_n) as {{ name }}_rank,
        {%- endfor %}
        percent_rank() over (partition by month_start order by interaction_n) as interaction_rank
    from valued
),

weighed as (
    select
        ranked.*,
        segments.segment as rfm_segment,
        {%- for name in components %}
        {{ "+ " if not loop.first }}ranked.{{ name }}_rank * score_weights.{{ name }}_weight
        {%- endfor %} as weighted_rank
    from ranked
    cross join score_weights
    left join segments
        on
            ranked.recency_quintile = segments.recency_quintile
            and ranked.frequency_quintile = segments.frequency_quintile
),

scored as (
    select
        *,
        {{ stable('100 * percent_rank() over (partition by month_start order by round(weighted_rank, 9))') }} as engagement_score
    from weighed
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
