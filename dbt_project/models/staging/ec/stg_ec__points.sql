-- One row per connection x points transaction.
{{ config(materialized='incremental', unique_key=['connection', 'transaction_id'], meta={'changed': 'stg_ec__changed_points'}) }}
with newest as (
    {{ latest_version(source('ec', 'points'), ['connection', 'transaction_id'], changed=ref('stg_ec__changed_points')) }}
)

select
    -- ids
    connection,
    transaction_id,
    coalesce(shop, connection) as shop,
    customer_pid,
    mail_pid,
    order_id,
    -- attributes
    type,
    reason,
    -- measures
    points,
    -- dates and timestamps
    change_date,
    business_date,
    {{ utc_timestamp('occurred_at') }} as occurred_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
