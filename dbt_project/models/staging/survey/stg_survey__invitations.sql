-- One row per connection x survey x wave x person invited.
with source as (
    select * from {{ source('survey', 'invitations') }}
),

newest as (
    {{ latest_version('source', ['connection', 'survey_id', 'wave', 'respondent_pid']) }}
)

select
    -- ids
    connection,
    survey_id,
    wave,
    respondent_pid,
    token_pid,
    -- attributes
    org_unit,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('invited_at') }} as invited_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
