-- One row per connection x customer number.
with source as (
    select * from {{ source('ec', 'customers') }}
),

newest as (
    {{ latest_version('source', ['connection', 'customer_pid']) }}
)

select
    -- ids
    connection,
    customer_pid,
    merged_into_pid,
    mail_pid,
    phone_pid,
    social_pid,
    -- attributes
    status,
    prefecture,
    gender,
    -- measures
    birth_year,
    -- flags
    accepts_marketing,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('registered_at') }} as registered_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
