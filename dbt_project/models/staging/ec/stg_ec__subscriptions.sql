-- One row per connection x subscription.
with source as (
    select * from {{ source('ec', 'subscriptions') }}
),

newest as (
    {{ latest_version('source', ['connection', 'subscription_id']) }}
)

select
    -- ids
    connection,
    subscription_id,
    coalesce(shop, connection) as shop,
    customer_pid,
    mail_pid,
    -- attributes
    plan,
    status,
    currency,
    -- measures
    monthly_amount,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('started_at') }} as started_at,
    {{ utc_timestamp('trial_ends_at') }} as trial_ends_at,
    {{ utc_timestamp('paused_at') }} as paused_at,
    {{ utc_timestamp('resumed_at') }} as resumed_at,
    {{ utc_timestamp('cancelled_at') }} as cancelled_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
