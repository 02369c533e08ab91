-- One row per order line.
{{ config(materialized='incremental', unique_key=['order_key'], meta={'changed': 'int_changed_orders'}) }}
{%- set changed = ref('int_changed_orders') %}
with order_lines as (
    select order_lines.*
    from {{ ref('stg_ec__order_lines') }} as order_lines
    {{ where_changed('order_lines', changed, ['connection', 'order_id']) }}
),

orders as (
    select orders.*
    from {{ ref('fct_orders') }} as orders
    {{ where_changed('orders', changed, ['order_key']) }}
),

-- The lines of an order that is still held back stay, marked, and count in no sum.
final as (
    select
        -- ids
        {{ key_of(['order_lines.connection', 'order_lines.order_id', 'order_lines.line_no']) }} as order_line_key,
        {{ key_of(['order_lines.connection', 'order_lines.order_id']) }} as order_key,
        order_lines.connection as shop,
        order_lines.order_id,
        order_lines.line_no,
        orders.customer_key,
        {{ key_of(['order_lines.connection', 'order_lines.sku']) }} as product_key,
        order_lines.sku,
        -- attributes
        order_lines.line_type,
        order_lines.product_name,
        order_lines.currency,
        -- measures
        order_lines.quantity,
        order_lines.unit_price,
        order_lines.tax_rate,
        order_lines.amount,
        order_lines.tax_amount,
        orders.fx_rate,
        {{ to_jpy('order_lines.amount', 'orders.fx_rate') }} as amount_jpy,
        {{ to_jpy('order_lines.tax_amount', 'orders.fx_rate') }} as tax_jpy,
        -- flags
        order_lines.is_tax_included,
        coalesce(orders.is_sold, false) as is_sold,
        orders.order_key is null as is_order_missing,
        -- dates and timestamps
        coalesce(orders.business_date, order_lines.business_date) as business_date
    from order_lines
    left join orders
        on
            order_lines.connection = orders.shop
            and order_lines.order_id = orders.order_id
)

select * from final
