-- One row per shop (or all) x sale of a known customer.
{{ config(materialized='incremental', unique_key=['order_key'], meta={'changed': 'int_changed_orders'}) }}
{%- set changed = ref('int_changed_orders') %}
with orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_changed('orders', changed, ['order_key']) }}
),

scoped as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        order_key,
        customer_key,
        currency,
        units,
        gross_amount,
        discount_amount,
        net_amount,
        gross_jpy,
        discount_jpy,
        net_jpy,
        business_date,
        ordered_at
    from orders
    where is_sold and customer_key is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Two orders on one day are one buying day: the repeat rate counts days, the order number counts orders.
final as (
    select
        *,
        {{ month_start('business_date') }} as month_start,
        row_number() over (partition by shop, customer_key order by ordered_at, order_key) as order_number,
        dense_rank() over (partition by shop, customer_key order by business_date) as day_number
    from scoped
)

select * from final
