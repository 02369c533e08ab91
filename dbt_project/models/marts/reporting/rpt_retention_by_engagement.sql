-- One row per landmark x tier x days since.
with curves as (
    select * from {{ ref('int_retention_curves') }}
),

final as (
    select
        cast(landmark_date as date) as landmark_date,
        cast(tier as {{ dbt.type_string() }}) as tier,
        cast(days_since as bigint) as days_since,
        cast(customers as bigint) as customers,
        cast(lost as bigint) as lost,
        cast(at_risk as bigint) as at_risk,
        {{ stable('survival') }} as survival,
        {{ stable('ci_low') }} as ci_low,
        {{ stable('ci_high') }} as ci_high,
        cast(horizon_days as bigint) as horizon_days,
        {{ stable('mean_days') }} as mean_days,
        {{ stable('mean_days_ci_low') }} as mean_days_ci_low,
        {{ stable('mean_days_ci_high') }} as mean_days_ci_high,
        {{ stable('ratio_to_low') }} as ratio_to_low,
        {{ stable('ratio_ci_low') }} as ratio_ci_low,
        {{ stable('ratio_ci_high') }} as ratio_ci_high
    from curves
)

select * from final
