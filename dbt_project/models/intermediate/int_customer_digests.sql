-- One row per customer who did something beside buying.
with months as (
    select month_start from {{ ref('int_shop_months') }}
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

deeds as (
    select
        customer_key,
        {{ month_start('business_date') }} as month_start,
        {{ row_digest('adjustments') }} as digest
    from adjustments
    where is_counted
    {%- for relation in ["activities", "subscription_months"] %}
    union all
    select
        customer_key,
        month_start,
        {{ row_digest(relation) }} as digest
    from {{ relation }}
    {%- endfor %}
),

-- What lies outside the shops' months counts nowhere, until they reach it.
final as (
    select
        deeds.customer_key,
        cast(sum(deeds.digest) as {{ dbt.type_string() }}) as digest
    from deeds
    inner join months on deeds.month_start = months.month_start
    where deeds.customer_key is not null
    group by deeds.customer_key
)

{{ held_against_last_build('final', 'customer_key', ['digest']) }}
