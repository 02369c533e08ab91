-- One row per connection x mention.
with source as (
    select * from {{ source('sns', 'mentions') }}
),

newest as (
    {{ latest_version('source', ['connection', 'post_id']) }}
)

select
    -- ids
    connection,
    post_id,
    account_id,
    author_pid,
    -- attributes
    platform,
    disclosure,
    polarity_source,
    -- measures
    author_followers,
    reach,
    likes,
    replies,
    reposts,
    polarity,
    text_length,
    -- flags
    is_ugc,
    is_incentivised,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('posted_at') }} as posted_at,
    {{ utc_timestamp('first_reply_at') }} as first_reply_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
