-- One row per connection x activity.
with source as (
    select * from {{ source('hr', 'activities') }}
),

newest as (
    {{ latest_version('source', ['connection', 'activity_id']) }}
)

select
    -- ids
    connection,
    activity_id,
    employee_pid,
    -- attributes
    kind,
    -- measures
    hours,
    -- flags
    is_adopted,
    -- dates and timestamps
    business_date,
    occurred_on,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
