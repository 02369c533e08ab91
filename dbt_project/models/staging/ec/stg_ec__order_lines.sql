-- One row per connection x order x line.
{{ config(materialized='incremental', unique_key=['connection', 'order_id'], meta={'changed': 'stg_ec__changed_orders'}) }}
with newest as (
    {{ latest_version(
        source('ec', 'order_lines'),
        ['connection', 'order_id', 'line_no'],
        document=['connection', 'order_id'],
        changed=ref('stg_ec__changed_orders')
    ) }}
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
    change_date,
    business_date,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
