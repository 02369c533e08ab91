-- One row per connection x points transaction.
with source as (
    select * from {{ source('ec', 'points') }}
),

newest as (
    {{ latest_version('source', ['connection', 'transaction_id']) }}
)

select
    -- ids
    connection,
    transaction_id,
    coalesce(shop, connection) as shop,
    customer_pid,
    mail_pid,
    order_id,
    -- attributes
    type,
    reason,
    -- measures
    points,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('occurred_at') }} as occurred_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
