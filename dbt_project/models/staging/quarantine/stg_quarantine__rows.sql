-- One row per row held back x rule it broke.
with source as (
    select * from {{ source('quarantine', 'rows') }}
)

select
    -- ids
    source_table,
    connection,
    key as record_key,
    -- attributes
    rule,
    reason,
    -- dates
    change_date
from source
