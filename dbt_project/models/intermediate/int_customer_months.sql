-- One row per customer x month in which they bought or did something else.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_deeds'}) }}
{%- set changed = ref('int_changed_deeds') %}
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
    select adjustments.*
    from {{ ref('fct_order_adjustments') }} as adjustments
    {{ where_changed('adjustments', changed, ['customer_key']) }}
),

activities as (
    select activities.*
    from {{ ref('int_customer_activities') }} as activities
    {{ where_changed('activities', changed, ['customer_key']) }}
),

subscription_months as (
    select subscription_months.*
    from {{ ref('fct_subscription_months') }} as subscription_months
    {{ where_changed('subscription_months', changed, ['customer_key']) }}
),

bought as (
    select bought.*
    from {{ ref('int_customer_shop_months') }} as bought
    {{ where_changed('bought', changed, ['customer_key']) }}
),

sales_of_month as (
    select * from bought
    where shop = 'all'
),

customers as (
    select distinct
        customer_key,
        first_month,
        currency
    from sales_of_month
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
