-- One row per connection x SKU.
with source as (
    select * from {{ source('ec', 'products') }}
),

newest as (
    {{ latest_version('source', ['connection', 'sku']) }}
)

select
    -- ids
    connection,
    sku,
    -- attributes
    name,
    category,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
