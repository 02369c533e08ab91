-- One row per connection x survey x question.
with source as (
    select * from {{ source('survey', 'questions') }}
),

newest as (
    {{ latest_version('source', ['connection', 'survey_id', 'question_code']) }}
)

select
    -- ids
    connection,
    survey_id,
    question_code,
    -- attributes
    question_text,
    kind,
    driver,
    -- measures
    scale_min,
    scale_max,
    favourable_min,
    unfavourable_max,
    position,
    -- flags
    is_reversed,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
