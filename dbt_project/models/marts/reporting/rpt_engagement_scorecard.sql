-- One row per metric x business unit x month.
with scores as (
    select * from {{ ref('int_scorecard_values') }}
),

metrics as (
    select * from {{ ref('dim_metrics') }}
),

targets as (
    select * from {{ ref('stg_plan__targets') }}
),

newest_targets as (
    select
        *,
        row_number() over (partition by metric_code, unit, month order by updated_at desc, connection asc) as target_rank
    from targets
),

bounded as (
    select
        scores.*,
        metrics.direction,
        lag(scores.value) over (
            partition by scores.metric_code, scores.business_unit, scores.comparable_since order by scores.month_start
        ) as previous
    from scores
    inner join metrics on scores.metric_code = metrics.metric_code
),

compared as (
    select
        bounded.*,
        year_before.value as year_ago,
        cast(newest_targets.target_value as decimal(24, 6)) as target
    from bounded
    left join scores as year_before
        on
            bounded.metric_code = year_before.metric_code
            and bounded.business_unit = year_before.business_unit
            and bounded.comparable_since is not distinct from year_before.comparable_since
            and cast({{ dbt.dateadd('month', -12, 'bounded.month_start') }} as date) = year_before.month_start
    left join newest_targets
        on
            bounded.metric_code = newest_targets.metric_code
            and bounded.business_unit = newest_targets.unit
            and bounded.month_start = newest_targets.month
            and newest_targets.target_rank = 1
),

final as (
    select
        -- ids
        metric_code,
        business_unit,
        month_start,
        -- measures
        value,
        n,
        ci_low,
        ci_high,
        previous,
        year_ago,
        target,
        cast(null as decimal(24, 6)) as benchmark,
        case
            when is_suppressed then 'suppressed'
            when target is null then 'no_target'
            when direction = 'up' and value >= target then 'on_target'
            when direction = 'down' and value <= target then 'on_target'
            else 'off_target'
        end as status,
        suppress_reason,
        -- flags
        is_suppressed
    from compared
)

select * from final
