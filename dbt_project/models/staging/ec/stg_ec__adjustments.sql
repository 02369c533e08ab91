-- One row per connection x adjustment.
with source as (
    select * from {{ source('ec', 'adjustments') }}
),

newest as (
    {{ latest_version('source', ['connection', 'adjustment_id']) }}
)

select
    -- ids
    connection,
    adjustment_id,
    order_id,
    customer_pid,
    mail_pid,
    phone_pid,
    -- attributes
    line_no,
    type,
    sku,
    currency,
    reason,
    -- measures
    quantity,
    amount,
    tax_amount,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('adjusted_at') }} as adjusted_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
