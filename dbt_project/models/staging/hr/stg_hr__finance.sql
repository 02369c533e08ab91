-- One row per connection x business unit x month x account.
with source as (
    select * from {{ source('hr', 'finance') }}
),

newest as (
    {{ latest_version('source', ['connection', 'business_unit', 'month', 'account']) }}
)

select
    -- ids
    connection,
    business_unit,
    account,
    -- attributes
    currency,
    -- measures
    amount,
    -- dates and timestamps
    business_date,
    month,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
