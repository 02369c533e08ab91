-- One row per order.
{{ config(materialized='incremental', unique_key=['order_key'], meta={'changed': 'int_changed_orders'}) }}
{%- set changed = ref('int_changed_orders') %}
with orders as (
    select orders.*
    from {{ ref('stg_ec__orders') }} as orders
    {{ where_changed('orders', changed, ['connection', 'order_id']) }}
),

order_lines as (
    select order_lines.*
    from {{ ref('stg_ec__order_lines') }} as order_lines
    {{ where_changed('order_lines', changed, ['connection', 'order_id']) }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

fx_days as (
    select * from {{ ref('int_fx_days') }}
),

-- A type of line the order does not have is 0: the order's lines are all known.
line_sums as (
    select
        connection,
        order_id,
        count(*) as lines_n,
        cast(sum(case when line_type = 'item' then cast(quantity as decimal(18, 4)) else 0 end) as double) as units,
        {%- for line_type, name in [
            ("item", "gross"), ("discount", "discount"), ("points", "points_used"), ("shipping", "shipping"), ("fee", "fee")
        ] %}
        cast(sum(case when line_type = '{{ line_type }}' then amount else 0 end) as decimal(18, 4)) as {{ name }}_amount,
        {%- endfor %}
        {%- for percent in [8, 10] %}
        cast(sum(case when {{ is_taxed_at(percent) }} then amount else 0 end) as decimal(18, 4)) as taxable_{{ percent }}_amount,
        cast(sum(case when {{ is_taxed_at(percent) }} then tax_amount else 0 end) as decimal(18, 4)) as tax_{{ percent }}_amount,
        {%- endfor %}
        cast(sum(tax_amount) as decimal(18, 4)) as tax_amount
    from order_lines
    group by connection, order_id
),

identified as (
    {{ identified_orders() }}
),

judged as (
    select
        *,
        {{ is_sold('status', 'is_test') }} as is_sold
    from identified
),

-- Orders that were no sale, and those of nobody, have no number and take none.
numbered as (
    select
        *,
        case
            when is_sold and customer_key is not null
                then row_number() over (partition by customer_key, is_sold order by ordered_at, order_key)
        end as {{ "number_of_changed" if is_incremental() else "order_number_of_customer" }}
    from judged
),
{%- if is_incremental() %}

-- What is kept of a customer's orders came before all that changed.
kept as (
    select
        orders.customer_key,
        max(orders.order_number_of_customer) as orders_n
    from {{ this }} as orders
    where
        orders.customer_key in (select judged.customer_key from judged)
        and orders.order_key not in (select changed.order_key from {{ changed }} as changed)
    group by orders.customer_key
),

numbered_on as (
    select
        numbered.*,
        coalesce(kept.orders_n, 0) + numbered.number_of_changed as order_number_of_customer
    from numbered
    left join kept on numbered.customer_key = kept.customer_key
),
{%- endif %}

amounts as (
    select
        numbered.*,
        {%- for name in [
            "gross", "discount", "points_used", "shipping", "fee", "tax", "taxable_8", "tax_8", "taxable_10", "tax_10"
        ] %}
        coalesce(line_sums.{{ name }}_amount, 0) as {{ name }}_amount,
        {%- endfor %}
        coalesce(line_sums.lines_n, 0) as lines_n,
        coalesce(line_sums.units, 0) as units
    from {{ "numbered_on" if is_incremental() else "numbered" }} as numbered
    left join line_sums
        on
            numbered.connection = line_sums.connection
            and numbered.order_id = line_sums.order_id
),

converted as (
    select
        *,
        {%- for name in [
            "gross", "discount", "points_used", "shipping", "fee", "tax", "taxable_8", "tax_8", "taxable_10", "tax_10", "total"
        ] %}
        {{ to_jpy(name ~ '_amount', 'fx_rate') }} as {{ name }}_jpy,
        {%- endfor %}
        cast({{ net_amount('gross_amount', 'discount_amount') }} as decimal(18, 4)) as net_amount
    from amounts
),

-- In yen, too, net sales are the sum of their parts: rounded on its own it could be a hundredth off.
netted as (
    select
        *,
        cast({{ net_amount('gross_jpy', 'discount_jpy') }} as decimal(18, 2)) as net_jpy
    from converted
),

final as (
    select
        -- ids
        order_key,
        connection as shop,
        order_id,
        customer_key,
        -- attributes
        status,
        channel,
        coupon_code,
        currency,
        -- measures
        order_number_of_customer,
        lines_n,
        units,
        gross_amount,
        discount_amount,
        net_amount,
        points_used_amount,
        shipping_amount,
        fee_amount,
        tax_amount,
        taxable_8_amount,
        tax_8_amount,
        taxable_10_amount,
        tax_10_amount,
        total_amount,
        fx_rate,
        {%- for name in [
            "gross", "discount", "net", "points_used", "shipping", "fee", "tax", "taxable_8", "tax_8", "taxable_10", "tax_10", "total"
        ] %}
        {{ name }}_jpy,
        {%- endfor %}
        -- flags
        status = 'cancelled' as is_cancelled,
        is_test,
        is_sold,
        fx_rate is null as is_fx_missing,
        is_fx_carried_forward,
        -- dates and timestamps
        business_date,
        ordered_at,
        cancelled_at
    from netted
)

select * from final
