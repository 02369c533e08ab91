-- One row per connection x customer number.
{{ config(materialized='incremental', unique_key=['connection', 'customer_pid'], meta={'changed': 'stg_ec__changed_customers'}) }}
with newest as (
    {{ latest_version(source('ec', 'customers'), ['connection', 'customer_pid'], changed=ref('stg_ec__changed_customers')) }}
)

select
    -- ids
    connection,
    customer_pid,
    merged_into_pid,
    mail_pid,
    phone_pid,
    social_pid,
    -- attributes
    status,
    prefecture,
    gender,
    -- measures
    birth_year,
    -- flags
    accepts_marketing,
    -- dates and timestamps
    change_date,
    business_date,
    {{ utc_timestamp('registered_at') }} as registered_at,
    {{ utc_timestamp('updated_at') }} as updated_at
from newest
