-- One row per connection x account x day.
with source as (
    select * from {{ source('sns', 'accounts') }}
),

newest as (
    {{ latest_version('source', ['connection', 'account_id', 'day']) }}
)

select
    -- ids
    connection,
    account_id,
    -- attributes
    platform,
    -- measures
    followers,
    blocks,
    following,
    posts_total,
    reach,
    impressions,
    profile_views,
    -- dates and timestamps
    business_date,
    day,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
