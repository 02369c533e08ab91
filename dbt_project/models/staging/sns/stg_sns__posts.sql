-- One row per connection x post x day of reading.
{{ config(materialized='incremental', unique_key=['connection', 'post_id'], meta={'changed': 'stg_sns__changed_posts'}) }}
with newest as (
    {{ latest_version(source('sns', 'posts'), ['connection', 'post_id', 'day'], changed=ref('stg_sns__changed_posts')) }}
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
    change_date,
    business_date,
    day,
    {{ utc_timestamp('posted_at') }} as posted_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
