-- One row per landing table x connection x day of change.
with source as (
    select * from {{ source('landing', 'days') }}
    where rows_n > 0
)

select
    {{ dbt.split_part('source_table', "'.'", 1) }} as source_name,
    source_table,
    connection,
    change_date,
    is_daily,
    rows_n,
    {{ utc_timestamp('landed_at') }} as landed_at
from source
