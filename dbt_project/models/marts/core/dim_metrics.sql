-- One row per metric.
with metrics as (
    select * from {{ ref('metrics') }}
),

final as (
    select
        code as metric_code,
        name_en,
        name_ja,
        unit,
        direction,
        formula,
        denominator,
        caveat,
        source,
        reference,
        interval_method,
        reports,
        cast(min_n as int) as min_n,
        cast(version as int) as version
    from metrics
)

select * from final
