-- One row per connection x subscription x instant x event.
with source as (
    select * from {{ source('ec', 'subscription_events') }}
),

newest as (
    {{ latest_version('source', ['connection', 'subscription_id', 'occurred_at', 'event']) }}
)

select
    -- ids
    connection,
    subscription_id,
    coalesce(shop, connection) as shop,
    customer_pid,
    mail_pid,
    -- attributes
    event,
    plan,
    currency,
    -- measures
    monthly_amount,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('occurred_at') }} as occurred_at,
    {{ utc_timestamp('trial_ends_at') }} as trial_ends_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
