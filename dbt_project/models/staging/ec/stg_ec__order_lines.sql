-- One row per connection x order x line.
with source as (
    select * from {{ source('ec', 'order_lines') }}
),

newest as (
    {{ latest_version('source', ['connection', 'order_id', 'line_no'], document=['connection', 'order_id']) }}
)

select
    -- ids
    connection,
    order_id,
    line_no,
    -- attributes
    line_type,
    sku,
    product_name,
    currency,
    -- measures
    quantity,
    unit_price,
    tax_rate,
    amount,
    tax_amount,
    -- flags
    is_tax_included,
    -- dates and timestamps
    business_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
