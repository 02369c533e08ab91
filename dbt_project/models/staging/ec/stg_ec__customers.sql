-- One row per connection x customer number.
{{ config(materialized='incremental', unique_key=['connection', 'customer_pid'], meta={'changed': 'stg_ec__changed_customers'}) }}
{%- set changed = ref('stg_ec__changed_customers') %}
with source as (
    select landed.*
    from {{ source('ec', 'customers') }} as landed
    {{ where_changed('landed', changed, ['connection', 'customer_pid']) }}
),

newest as (
    {{ latest_version('source', ['connection', 'customer_pid']) }}
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
