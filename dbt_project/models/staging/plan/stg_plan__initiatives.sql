-- One row per connection x initiative.
with source as (
    select * from {{ source('plan', 'initiatives') }}
),

newest as (
    {{ latest_version('source', ['connection', 'code']) }}
)

select
    -- ids
    connection,
    code,
    -- attributes
    name,
    kind,
    audience,
    metric_code,
    currency,
    design,
    -- measures
    target_value,
    cost,
    -- dates and timestamps
    business_date,
    start_date,
    end_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
