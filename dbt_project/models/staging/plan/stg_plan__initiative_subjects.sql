-- One row per connection x initiative x subject x arm.
with source as (
    select * from {{ source('plan', 'initiative_subjects') }}
),

newest as (
    {{ latest_version('source', ['connection', 'code', 'subject', 'arm']) }}
)

select
    -- ids
    connection,
    code,
    subject,
    arm,
    -- attributes
    subject_type,
    -- dates and timestamps
    business_date,
    start_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
