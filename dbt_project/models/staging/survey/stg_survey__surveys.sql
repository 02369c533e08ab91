-- One row per connection x survey.
with source as (
    select * from {{ source('survey', 'surveys') }}
),

newest as (
    {{ latest_version('source', ['connection', 'survey_id']) }}
)

select
    -- ids
    connection,
    survey_id,
    -- attributes
    title,
    audience,
    mode,
    -- measures
    valid_days,
    min_n,
    promoter_min,
    detractor_max,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
