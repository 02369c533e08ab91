-- One row per initiative x metric.
with effects as (
    select * from {{ ref('int_initiative_effects') }}
),

initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

subjects as (
    select
        initiative_key,
        min(subject_type) as subject_type
    from {{ ref('int_initiative_subjects') }}
    group by initiative_key
),

-- What a unit of effect cost is told where there is an effect: the interval leaves zero out. Employees count to the nearest 5.
exposed as (
    select
        effects.*,
        case
            when effects.is_target and effects.verdict in ('supported', 'suggestive')
                then case when subjects.subject_type in ('employee', 'org_unit') then {{ rounded_people('effects.exposure') }} else effects.exposure end
        end as exposure_shown,
        subjects.subject_type
    from effects
    left join subjects on effects.initiative_key = subjects.initiative_key
),

final as (
    select
        -- ids
        initiatives.initiative_key,
        effects.metric_code,
        -- attributes
        initiatives.code,
        initiatives.name,
        initiatives.kind,
        initiatives.kind_name_en,
        initiatives.kind_name_ja,
        initiatives.audience,
        initiatives.design,
        effects.subject_type,
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
        {{ stable('effects.relative_ci_low') }} as relative_ci_low,
        {{ stable('effects.relative_ci_high') }} as relative_ci_high,
        {{ stable('effects.ci_low') }} as ci_low,
        {{ stable('effects.ci_high') }} as ci_high,
        {{ stable('effects.p_value') }} as p_value,
        cast(effects.n_treated as bigint) as n_treated,
        cast(effects.n_control as bigint) as n_control,
        cast(effects.n_periods as bigint) as n_periods,
        {{ stable('effects.pre_trend') }} as pre_trend,
        {{ stable('effects.pre_trend_p') }} as pre_trend_p,
        initiatives.cost_jpy,
        {%- for column, divisor in [
            ("cost_per_effect_jpy", "abs(effects.effect)"),
            ("cost_per_effect_ci_low_jpy", "greatest(abs(effects.ci_low), abs(effects.ci_high))"),
            ("cost_per_effect_ci_high_jpy", "least(abs(effects.ci_low), abs(effects.ci_high))")
        ] %}
        cast(initiatives.cost_jpy / nullif({{ divisor }} * effects.exposure_shown, 0) as decimal(18, 2)) as {{ column }},
        {%- endfor %}
        -- flags
        effects.is_target,
        -- dates
        initiatives.start_date,
        initiatives.end_date
    from exposed as effects
    inner join initiatives on effects.initiative_key = initiatives.initiative_key
)

select * from final
