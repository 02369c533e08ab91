-- One row per connection x order.
with source as (
    select * from {{ source('ec', 'orders') }}
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
    business_date,
    {{ utc_timestamp('ordered_at') }} as ordered_at,
    {{ utc_timestamp('cancelled_at') }} as cancelled_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
