-- One row per initiative x metric.
with effects as (
    select * from {{ ref('int_initiative_effects') }}
),

initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

-- What a unit of effect cost is told where there is an effect: the interval leaves zero out.
final as (
    select
        -- ids
        initiatives.initiative_key,
        effects.metric_code,
        -- attributes
        initiatives.code,
        initiatives.name,
        initiatives.kind,
        initiatives.audience,
        initiatives.design,
        effects.method,
        effects.inference,
        effects.verdict,
        effects.reason_en,
        effects.reason_ja,
        -- measures
        case when effects.is_target then initiatives.target_value end as target_value,
        {{ stable('effects.baseline') }} as baseline,
        {{ stable('effects.actual') }} as actual,
        {{ stable('effects.effect') }} as effect,
        {{ stable('effects.relative_effect') }} as relative_effect,
        {{ stable('effects.ci_low') }} as ci_low,
        {{ stable('effects.ci_high') }} as ci_high,
        {{ stable('effects.p_value') }} as p_value,
        cast(effects.n_treated as bigint) as n_treated,
        cast(effects.n_control as bigint) as n_control,
        cast(effects.n_periods as bigint) as n_periods,
        {{ stable('effects.pre_trend') }} as pre_trend,
        {{ stable('effects.pre_trend_p') }} as pre_trend_p,
        initiatives.cost_jpy,
        case
            when effects.is_target and effects.verdict in ('supported', 'suggestive')
                then cast(initiatives.cost_jpy / nullif(abs(effects.effect) * effects.n_treated, 0) as decimal(18, 2))
        end as cost_per_effect_jpy,
        -- flags
        effects.is_target,
        -- dates
        initiatives.start_date,
        initiatives.end_date
    from effects
    inner join initiatives on effects.initiative_key = initiatives.initiative_key
)

select * from final
