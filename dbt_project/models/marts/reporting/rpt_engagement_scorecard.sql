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

benchmarks as (
    select * from {{ ref('benchmarks') }}
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

-- The newest benchmark there was by then, made like the metric: what is only alike is no benchmark.
dated_benchmarks as (
    select
        compared.metric_code,
        compared.month_start,
        max(benchmarks.valid_from) as valid_from
    from compared
    inner join benchmarks
        on
            compared.metric_code = benchmarks.metric_code
            and compared.month_start >= benchmarks.valid_from
    group by compared.metric_code, compared.month_start
),

benchmarked as (
    select
        compared.*,
        benchmarks.benchmark_code,
        benchmarks.edition_en as benchmark_edition_en,
        benchmarks.edition_ja as benchmark_edition_ja,
        benchmarks.quality as benchmark_quality,
        cast(benchmarks.claimed_low as decimal(24, 6)) as benchmark
    from compared
    left join dated_benchmarks
        on
            compared.metric_code = dated_benchmarks.metric_code
            and compared.month_start = dated_benchmarks.month_start
    left join benchmarks
        on
            dated_benchmarks.metric_code = benchmarks.metric_code
            and dated_benchmarks.valid_from = benchmarks.valid_from
),

final as (
    select
        -- ids
        metric_code,
        business_unit,
        month_start,
        -- attributes
        benchmark_code,
        benchmark_edition_en,
        benchmark_edition_ja,
        benchmark_quality,
        -- measures
        value,
        n,
        ci_low,
        ci_high,
        previous,
        year_ago,
        target,
        benchmark,
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
    from benchmarked
)

select * from final
