-- One row per order.
{%- set before = built_before('fct_orders') %}
{%- set orders, aliases, fx_days = ref('stg_ec__orders'), ref('int_customer_aliases'), ref('int_fx_days') %}
with landed as (
    select * from {{ ref('stg_ec__changed_orders') }}
),

{%- if before %}

orders as (
    select * from {{ orders }}
),

aliases as (
    select * from {{ aliases }}
),

fx_days as (
    select * from {{ fx_days }}
),

identified as (
    {{ identified_orders() }}
),

-- The order as it is beside what the last build made of it.
compared as (
    select
        coalesce(identified.order_key, built.order_key) as order_key,
        coalesce(identified.connection, built.shop) as connection,
        coalesce(identified.order_id, built.order_id) as order_id,
        identified.customer_key,
        built.customer_key as former_customer_key,
        (
            identified.order_key is null
            or built.order_key is null
            or landed.order_id is not null
            or (identified.customer_key is distinct from built.customer_key)
            or (identified.fx_rate is distinct from built.fx_rate)
            or (identified.is_fx_carried_forward is distinct from built.is_fx_carried_forward)
        ) as is_touched
    from identified
    full outer join {{ before }} as built on identified.order_key = built.order_key
    left join landed
        on
            coalesce(identified.connection, built.shop) = landed.connection
            and coalesce(identified.order_id, built.order_id) = landed.order_id
),

touched as (
    select
        order_key,
        connection,
        order_id,
        customer_key,
        former_customer_key
    from compared
    where is_touched
),

-- Their other orders, too: each has a number among them.
customers as (
    select customer_key from touched
    union
    select former_customer_key from touched
),
{%- endif %}

-- What is not touched is as it was. Lines may be there before their order is, and then nobody's.
changed as (
    {%- if before %}
    select * from touched
    union all
    select
        built.order_key,
        built.shop as connection,
        built.order_id,
        built.customer_key,
        built.customer_key as former_customer_key
    from {{ before }} as built
    where
        built.customer_key in (select customers.customer_key from customers)
        and built.order_key not in (select touched.order_key from touched)
    union all
    {%- endif %}
    select
        {{ key_of(['connection', 'order_id']) }} as order_key,
        connection,
        order_id,
        cast(null as {{ dbt.type_string() }}) as customer_key,
        cast(null as {{ dbt.type_string() }}) as former_customer_key
    from landed
),

final as (
    select
        order_key,
        connection,
        order_id,
        max(customer_key) as customer_key,
        max(former_customer_key) as former_customer_key
    from changed
    group by order_key, connection, order_id
)

select * from final
