-- One row per shop (or all) x sale of a known customer.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_customers'}) }}
{%- set changed = ref('int_changed_customers') %}
with orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_changed('orders', changed, ['customer_key']) }}
),

scopes as (
    select false as is_all
    union all
    select true as is_all
),

-- Whoever bought in one shop alone has the same numbers there and overall: only the others are numbered per shop.
several_shops as (
    select orders.customer_key
    from {{ ref('fct_orders') }} as orders
    {{ where_changed('orders', changed, ['customer_key']) }}
    group by orders.customer_key
    having min(orders.shop) < max(orders.shop)
),

numbered_per_shop as (
    select
        orders.order_key,
        row_number() over (partition by orders.shop, orders.customer_key order by orders.ordered_at, orders.order_key) as order_number,
        dense_rank() over (partition by orders.shop, orders.customer_key order by orders.business_date) as day_number
    from {{ ref('fct_orders') }} as orders
    inner join several_shops on orders.customer_key = several_shops.customer_key
    where orders.is_sold
),

-- Two orders on one day are one buying day: the repeat rate counts days, the order number counts orders.
numbered as (
    select
        *,
        dense_rank() over (partition by customer_key order by business_date) as day_number
    from orders
    where is_sold and customer_key is not null
),

final as (
    select
        case when scopes.is_all then 'all' else numbered.shop end as shop,
        numbered.order_key,
        numbered.customer_key,
        numbered.currency,
        numbered.units,
        numbered.gross_amount,
        numbered.discount_amount,
        numbered.net_amount,
        numbered.gross_jpy,
        numbered.discount_jpy,
        numbered.net_jpy,
        numbered.business_date,
        numbered.ordered_at,
        {{ month_start('numbered.business_date') }} as month_start,
        case
            when scopes.is_all then numbered.order_number_of_customer
            else coalesce(numbered_per_shop.order_number, numbered.order_number_of_customer)
        end as order_number,
        case when scopes.is_all then numbered.day_number else coalesce(numbered_per_shop.day_number, numbered.day_number) end as day_number
    from numbered
    left join numbered_per_shop on numbered.order_key = numbered_per_shop.order_key
    cross join scopes
)

select * from final
