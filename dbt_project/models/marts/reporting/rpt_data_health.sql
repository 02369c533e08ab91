-- One row per landing table x connection.
with landing_days as (
    select * from {{ ref('stg_landing__days') }}
),

quarantine as (
    select * from {{ ref('stg_quarantine__rows') }}
),

landed as (
    select
        source_table,
        connection,
        min(change_date) as first_change_date,
        max(change_date) as last_change_date,
        cast(sum(rows_n) as bigint) as rows_n,
        max(landed_at) as last_landed_at,
        max(case when is_daily then 1 else 0 end) = 1 as is_daily
    from landing_days
    group by source_table, connection
),

-- A row that breaks two rules is held back once.
held_back as (
    select
        source_table,
        connection,
        count(distinct coalesce(record_key, '') || ' ' || coalesce(cast(change_date as {{ dbt.type_string() }}), '')) as quarantined_n
    from quarantine
    group by source_table, connection
),

newest_of_source as (
    select
        source_name,
        max(change_date) as newest_change_date
    from landing_days
    group by source_name
),

joined as (
    select
        coalesce(landed.source_table, held_back.source_table) as source_table,
        coalesce(landed.connection, held_back.connection) as connection,
        landed.first_change_date,
        landed.last_change_date,
        landed.last_landed_at,
        coalesce(landed.rows_n, 0) as rows_n,
        coalesce(held_back.quarantined_n, 0) as quarantined_n,
        coalesce(landed.is_daily, false) as is_daily
    from landed
    full outer join held_back
        on
            landed.source_table = held_back.source_table
            and landed.connection = held_back.connection
),

dated as (
    select
        joined.*,
        landing_days.rows_n as rows_on_last_day,
        cast({{ dbt.datediff('joined.last_change_date', 'newest_of_source.newest_change_date', 'day') }} as bigint) as days_behind
    from joined
    left join landing_days
        on
            joined.source_table = landing_days.source_table
            and joined.connection = landing_days.connection
            and joined.last_change_date = landing_days.change_date
    left join newest_of_source on {{ dbt.split_part('joined.source_table', "'.'", 1) }} = newest_of_source.source_name
),

final as (
    select
        -- ids
        source_table,
        connection,
        -- attributes
        case
            when quarantined_n > 0 then 'quarantined'
            when is_daily and days_behind >= {{ var('late_after_days') }} then 'late'
            else 'ok'
        end as status,
        -- measures
        rows_n,
        rows_on_last_day,
        quarantined_n,
        {{ safe_divide('quarantined_n', 'rows_n + quarantined_n') }} as quarantined_share,
        days_behind,
        -- dates and timestamps
        first_change_date,
        last_change_date,
        last_landed_at
    from dated
)

select * from final
