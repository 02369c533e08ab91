-- One row per order.
{%- set before = built_before('fct_orders') %}
{%- set all_orders, aliases, changed_aliases = ref('stg_ec__orders'), ref('int_customer_aliases'), ref('int_changed_aliases') %}
with landed as (
    select * from {{ ref('stg_ec__changed_orders') }}
),

{%- if before %}

aliases as (
    select * from {{ aliases }}
),

-- An order of which nothing landed may only have become somebody else's: its rate is of a day, and rates change with the project alone.
touched as (
    select
        connection,
        order_id
    from landed
    union
    select
        orders.connection,
        orders.order_id
    from {{ all_orders }} as orders
    where {{ alias_of('orders') }} in (
        select changed_aliases.alias_pid from {{ changed_aliases }} as changed_aliases
    )
),

orders as (
    select orders.*
    from {{ all_orders }} as orders
    where {{ is_among('orders', 'touched', ['connection', 'order_id']) }}
),

identified as (
    select
        {{ key_of(['orders.connection', 'orders.order_id']) }} as order_key,
        orders.connection,
        orders.order_id,
        orders.ordered_at,
        orders.business_date,
        aliases.customer_key
    from orders
    left join aliases on {{ alias_of('orders') }} = aliases.alias_pid
),

-- What the last build made of them.
built_otherwise as (
    select
        built.order_key,
        built.shop as connection,
        built.order_id,
        built.ordered_at,
        built.business_date,
        built.customer_key
    from {{ before }} as built
    where (built.shop, built.order_id) in (
        select
            touched.connection,
            touched.order_id
        from touched
    )
),

-- The orders after them, too: each has a number that tells how many came before.
customers as (
    select
        customer_key,
        min(ordered_at) as first_touched_at
    from (
        select
            customer_key,
            ordered_at
        from identified
        union all
        select
            customer_key,
            ordered_at
        from built_otherwise
    ) as touched_orders
    where customer_key is not null
    group by customer_key
),
{%- endif %}

-- What is not touched is as it was. Lines may be there before their order is, and then nobody's.
changed as (
    {%- if before %}
    select
        order_key,
        connection,
        order_id,
        customer_key,
        cast(null as {{ dbt.type_string() }}) as former_customer_key,
        business_date
    from identified
    union all
    select
        order_key,
        connection,
        order_id,
        cast(null as {{ dbt.type_string() }}) as customer_key,
        customer_key as former_customer_key,
        business_date
    from built_otherwise
    union all
    select
        built.order_key,
        built.shop as connection,
        built.order_id,
        built.customer_key,
        built.customer_key as former_customer_key,
        built.business_date
    from {{ before }} as built
    inner join customers
        on
            built.customer_key = customers.customer_key
            and built.ordered_at >= customers.first_touched_at
    where built.order_key not in (select built_otherwise.order_key from built_otherwise)
    union all
    {%- endif %}
    select
        {{ key_of(['connection', 'order_id']) }} as order_key,
        connection,
        order_id,
        cast(null as {{ dbt.type_string() }}) as customer_key,
        cast(null as {{ dbt.type_string() }}) as former_customer_key,
        cast(null as date) as business_date
    from landed
),

final as (
    select
        order_key,
        connection,
        order_id,
        max(customer_key) as customer_key,
        max(former_customer_key) as former_customer_key,
        min(business_date) as first_date
    from changed
    group by order_key, connection, order_id
)

select * from final
