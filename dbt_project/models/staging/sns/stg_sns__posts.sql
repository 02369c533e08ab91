-- One row per connection x post x day of reading.
with source as (
    select * from {{ source('sns', 'posts') }}
),

newest as (
    {{ latest_version('source', ['connection', 'post_id', 'day']) }}
)

select
    -- ids
    connection,
    post_id,
    account_id,
    -- attributes
    platform,
    post_type,
    -- measures
    impressions,
    reach,
    views,
    likes,
    replies,
    reposts,
    saves,
    clicks,
    -- dates and timestamps
    business_date,
    day,
    {{ utc_timestamp('posted_at') }} as posted_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
