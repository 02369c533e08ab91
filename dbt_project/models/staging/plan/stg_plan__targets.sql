-- One row per connection x metric x unit x month.
with source as (
    select * from {{ source('plan', 'targets') }}
),

newest as (
    {{ latest_version('source', ['connection', 'metric_code', 'unit', 'month']) }}
)

select
    -- ids
    connection,
    metric_code,
    unit,
    -- measures
    target_value,
    -- dates and timestamps
    business_date,
    month,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
