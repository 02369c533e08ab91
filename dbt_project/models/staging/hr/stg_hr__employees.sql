-- One row per connection x employee x day a state begins.
with source as (
    select * from {{ source('hr', 'employees') }}
),

newest as (
    {{ latest_version('source', ['connection', 'employee_pid', 'valid_from']) }}
)

select
    -- ids
    connection,
    employee_pid,
    mail_pid,
    manager_pid,
    -- attributes
    org_unit,
    leave_reason,
    employment_type,
    -- dates and timestamps
    business_date,
    valid_from,
    hire_date,
    leave_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
