-- One row per connection x review.
with source as (
    select * from {{ source('ec', 'reviews') }}
),

newest as (
    {{ latest_version('source', ['connection', 'review_id']) }}
)

select
    -- ids
    connection,
    review_id,
    coalesce(shop, connection) as shop,
    customer_pid,
    mail_pid,
    order_id,
    -- attributes
    sku,
    disclosure,
    polarity_source,
    -- measures
    rating,
    polarity,
    text_length,
    -- flags
    is_verified,
    is_incentivised,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('reviewed_at') }} as reviewed_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
