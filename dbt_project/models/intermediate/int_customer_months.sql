-- One row per customer x month in which they bought or did something else.
{%- set subscription_counts = ["subscriptions_active", "subscriptions_paused", "subscriptions_cancelled"] %}
{%- set counts = [
    "survey_responses", "promoter_answers", "mentions", "organic_posts", "incentivised_posts", "organic_reviews",
    "incentivised_reviews", "points_used_days",
] %}
with shop_months as (
    select * from {{ ref('int_shop_months') }}
    where shop = 'all'
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

customers as (
    select
        customer_key,
        min(month_start) as first_month,
        case when min(currency) = max(currency) then min(currency) end as currency
    from {{ ref('int_shop_orders') }}
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
    from {{ ref('int_shop_orders') }}
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

everything as (
    {%- for relation in ["sales_of_month", "returns_of_month", "subscriptions_of_month", "activities"] %}
    select
        customer_key,
        month_start
    from {{ relation }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

-- A month without orders, returns or posts is 0 of them; a score nobody gave is empty.
final as (
    select
        -- ids
        customers.customer_key,
        everything.month_start,
        -- attributes
        customers.first_month,
        customers.currency,
        -- measures
        coalesce(sales_of_month.orders, 0) as orders,
        coalesce(returns_of_month.adjustments_n, 0) as returns_n,
        cast(coalesce(sales_of_month.net_amount, 0) + coalesce(returns_of_month.returns, 0) as decimal(18, 4)) as net_amount,
        case when sales_of_month.customer_key is null then 0 else sales_of_month.net_jpy end as sold_jpy,
        case when returns_of_month.customer_key is null then 0 else returns_of_month.returns_jpy end as returns_jpy,
        {%- for name in subscription_counts %}
        coalesce(subscriptions_of_month.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        case when subscriptions_of_month.customer_key is null then 0 else subscriptions_of_month.mrr_jpy end as mrr_jpy,
        {%- for name in counts %}
        coalesce(activities.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        activities.nps_answer,
        activities.csat_score,
        -- dates and timestamps
        sales_of_month.last_order_date
    from everything
    inner join customers
        on
            everything.customer_key = customers.customer_key
            and everything.month_start >= customers.first_month
    inner join shop_months on everything.month_start = shop_months.month_start
    {%- for relation in ["sales_of_month", "returns_of_month", "subscriptions_of_month", "activities"] %}
    left join {{ relation }}
        on
            everything.customer_key = {{ relation }}.customer_key
            and everything.month_start = {{ relation }}.month_start
    {%- endfor %}
)

select * from final
