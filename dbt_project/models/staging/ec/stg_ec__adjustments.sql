-- One row per connection x adjustment.
{{ config(materialized='incremental', unique_key=['connection', 'adjustment_id'], meta={'changed': 'stg_ec__changed_adjustments'}) }}
with newest as (
    {{ latest_version(source('ec', 'adjustments'), ['connection', 'adjustment_id'], changed=ref('stg_ec__changed_adjustments')) }}
)

select
    -- ids
    connection,
    adjustment_id,
    order_id,
    customer_pid,
    mail_pid,
    phone_pid,
    -- attributes
    line_no,
    type,
    sku,
    currency,
    reason,
    -- measures
    quantity,
    amount,
    tax_amount,
    -- dates and timestamps
    change_date,
    business_date,
    {{ utc_timestamp('adjusted_at') }} as adjusted_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
