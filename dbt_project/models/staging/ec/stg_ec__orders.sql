-- One row per connection x order.
{{ config(materialized='incremental', unique_key=['connection', 'order_id'], meta={'changed': 'stg_ec__changed_orders'}) }}
with newest as (
    {{ latest_version(source('ec', 'orders'), ['connection', 'order_id'], changed=ref('stg_ec__changed_orders')) }}
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
