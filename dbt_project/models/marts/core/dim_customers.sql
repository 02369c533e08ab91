-- One row per customer.
{{ config(materialized='incremental', unique_key=['customer_key'], meta={'changed': 'int_changed_deeds'}) }}
{%- set changed = ref('int_changed_deeds') %}
with customers as (
    select * from {{ ref('stg_ec__customers') }}
),

aliases as (
    select aliases.*
    from {{ ref('int_customer_aliases') }} as aliases
    {{ where_changed('aliases', changed, ['customer_key']) }}
),

orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_changed('orders', changed, ['customer_key']) }}
),

sales as (
    select sales.*
    from {{ ref('int_shop_orders') }} as sales
    {{ where_changed('sales', changed, ['customer_key']) }}
),

adjustments as (
    select adjustments.*
    from {{ ref('fct_order_adjustments') }} as adjustments
    {{ where_changed('adjustments', changed, ['customer_key']) }}
),

accounts as (
    select
        aliases.customer_key,
        customers.connection,
        customers.registered_at,
        customers.status,
        row_number() over (
            partition by aliases.customer_key
            order by customers.updated_at desc, customers.connection asc, customers.customer_pid asc
        ) as account_rank
    from customers
    inner join aliases on customers.customer_pid = aliases.alias_pid
),

registrations as (
    select
        customer_key,
        min(registered_at) as registered_at,
        max(case when account_rank = 1 then status end) as status
    from accounts
    group by customer_key
),

-- Sales are numbered already, in each shop and over all.
purchases as (
    select
        customer_key,
        max(case when shop = 'all' then order_number end) as orders_n,
        max(case when shop = 'all' then day_number end) as buying_days_n,
        {{ count_if("shop <> 'all' and order_number = 1") }} as shops_n,
        min(business_date) as first_order_date,
        max(business_date) as last_order_date
    from sales
    group by customer_key
),

everybody as (
    select customer_key from registrations
    union
    select customer_key from purchases
    union
    select customer_key from orders
    where not is_sold
    union
    select customer_key from adjustments
),

final as (
    select
        everybody.customer_key,
        coalesce(registrations.status, 'guest') as status,
        coalesce(purchases.orders_n, 0) as orders_n,
        coalesce(purchases.buying_days_n, 0) as buying_days_n,
        coalesce(purchases.shops_n, 0) as shops_n,
        purchases.first_order_date,
        purchases.last_order_date,
        registrations.registered_at
    from everybody
    left join registrations on everybody.customer_key = registrations.customer_key
    left join purchases on everybody.customer_key = purchases.customer_key
    where everybody.customer_key is not null
)

select * from final
