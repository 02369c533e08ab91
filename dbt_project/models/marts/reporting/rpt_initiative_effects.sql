-- One row per initiative x metric.
with effects as (
    select * from {{ ref('int_initiative_effects') }}
),

initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

subjects as (
    select * from {{ ref('int_initiative_subjects') }}
),

kinds_of_subjects as (
    select
        initiative_key,
        min(subject_type) as subject_type
    from subjects
    group by initiative_key
),

-- Whom an initiative is compared with may have been given another measure at that time. Where the arms were drawn, both were alike.
shared as (
    select distinct
        compared.initiative_key,
        measures.code
    from subjects as compared
    inner join subjects as treated
        on
            compared.subject_type = treated.subject_type
            and compared.subject_key = treated.subject_key
            and compared.initiative_key <> treated.initiative_key
            and compared.compared_to >= treated.start_date
            and compared.compared_from <= coalesce(treated.end_date, compared.compared_to)
    inner join initiatives as measures on treated.initiative_key = measures.initiative_key
    where compared.design <> 'holdout' and not compared.is_treated and treated.is_treated
),

combined as (
    select
        initiative_key,
        {{ dbt.listagg('code', "', '", 'order by code') }} as codes
    from shared
    group by initiative_key
),

-- What a unit of effect cost is told where there is an effect: the interval leaves zero out. Employees count to the nearest 5.
exposed as (
    select
        effects.*,
        case
            when effects.is_target and effects.verdict in ('supported', 'suggestive')
                then case when kinds_of_subjects.subject_type in ('employee', 'org_unit') then {{ rounded_people('effects.exposure') }} else effects.exposure end
        end as exposure_shown,
        kinds_of_subjects.subject_type
    from effects
    left join kinds_of_subjects on effects.initiative_key = kinds_of_subjects.initiative_key
),

-- What employees did is told to the nearest 5 events, and so is all that is made of it.
coarse as (
    select
        *,
        {%- for name in ["actual", "effect", "ci_low", "ci_high"] %}
        {{ nearest_events(name, 'person_periods') }} as {{ name }}_shown,
        {%- endfor %}
        {{ nearest_events('baseline', 'person_periods_before') }} as baseline_shown,
        {{ nearest_events('pre_trend', 'person_periods_before') }} as pre_trend_shown
    from exposed
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
        case
            when effects.effect is null or combined.codes is null then effects.reason_en
            else {{ dbt.concat(["effects.reason_en", "' Some of those it is compared with took part in '", "combined.codes", "' at that time, which may be part of it.'"]) }}
        end as reason_en,
        case
            when effects.effect is null or combined.codes is null then effects.reason_ja
            else {{ dbt.concat(["effects.reason_ja", "'比較対象の一部は同じ時期に '", "combined.codes", "' の対象でもあり、その影響が混ざりえます。'"]) }}
        end as reason_ja,
        combined.codes as overlaps_with,
        -- measures
        case when effects.is_target then initiatives.target_value end as target_value,
        {{ stable('effects.baseline_shown') }} as baseline,
        {{ stable('effects.actual_shown') }} as actual,
        {{ stable('effects.effect_shown') }} as effect,
        {{ stable(safe_divide('effects.effect_shown', 'abs(effects.actual_shown - effects.effect_shown)')) }} as relative_effect,
        {{ stable(safe_divide('effects.ci_low_shown', 'abs(effects.actual_shown - effects.effect_shown)')) }} as relative_ci_low,
        {{ stable(safe_divide('effects.ci_high_shown', 'abs(effects.actual_shown - effects.effect_shown)')) }} as relative_ci_high,
        {{ stable('effects.ci_low_shown') }} as ci_low,
        {{ stable('effects.ci_high_shown') }} as ci_high,
        {{ stable('effects.p_value') }} as p_value,
        case when effects.subject_type = 'employee' then {{ rounded_people('effects.n_treated') }} else cast(effects.n_treated as bigint) end as n_treated,
        case when effects.subject_type = 'employee' then {{ rounded_people('effects.n_control') }} else cast(effects.n_control as bigint) end as n_control,
        cast(effects.n_periods as bigint) as n_periods,
        {{ stable('effects.pre_trend_shown') }} as pre_trend,
        {{ stable('effects.pre_trend_p') }} as pre_trend_p,
        initiatives.cost_jpy,
        {%- for column, divisor in [
            ("cost_per_effect_jpy", "abs(effects.effect_shown)"),
            ("cost_per_effect_ci_low_jpy", "greatest(abs(effects.ci_low_shown), abs(effects.ci_high_shown))"),
            ("cost_per_effect_ci_high_jpy", "least(abs(effects.ci_low_shown), abs(effects.ci_high_shown))")
        ] %}
        cast(initiatives.cost_jpy / nullif({{ divisor }} * effects.exposure_shown, 0) as decimal(18, 2)) as {{ column }},
        {%- endfor %}
        effects.suppress_reason,
        -- flags
        effects.suppress_reason is not null as is_suppressed,
        effects.is_target,
        -- dates
        initiatives.start_date,
        initiatives.end_date
    from coarse as effects
    inner join initiatives on effects.initiative_key = initiatives.initiative_key
    left join combined on effects.initiative_key = combined.initiative_key
)

select * from final
