-- One row per connection x order.
{{ config(materialized='incremental', unique_key=['connection', 'order_id'], meta={'changed': 'stg_ec__changed_orders'}) }}
{%- set changed = ref('stg_ec__changed_orders') %}
with source as (
    select landed.*
    from {{ source('ec', 'orders') }} as landed
    {{ where_changed('landed', changed, ['connection', 'order_id']) }}
),

newest as (
    {{ latest_version('source', ['connection', 'order_id']) }}
)

select
    -- ids
    connection,
    order_id,
    customer_pid,
    mail_pid,
    phone_pid,
    -- attributes
    status,
    currency,
    coupon_code,
    channel,
    -- measures
    total_amount,
    -- flags
    is_test,
    -- dates and timestamps
    change_date,
    business_date,
    {{ utc_timestamp('ordered_at') }} as ordered_at,
    {{ utc_timestamp('cancelled_at') }} as cancelled_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
