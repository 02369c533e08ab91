-- One row per connection x response x question x option.
with source as (
    select * from {{ source('survey', 'answers') }}
),

newest as (
    {{ latest_version('source', ['connection', 'response_id', 'question_code', 'option_code'], document=['connection', 'response_id']) }}
)

select
    -- ids
    connection,
    response_id,
    question_code,
    option_code,
    survey_id,
    respondent_pid,
    -- attributes
    wave,
    org_unit,
    -- measures
    numeric_value,
    text_length,
    weight,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('answered_at') }} as answered_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
