-- One row per organisation unit x wave x metric.
with waves as (
    select * from {{ ref('fct_employee_engagement_waves') }}
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'survey' and dimension = 'org_unit'
),

-- A unit shows all its scores of a wave or none: the index is made of the drivers, and one of them hidden could be worked out of the others.
-- (Fewer of those invited than of all may have answered: the rate of response has a minimum of its own.)
decided as (
    select
        waves.*,
        org_units.parent_unit,
        org_units.business_unit,
        org_units.org_level,
        coalesce(
            {{ why_suppressed('disclosures') }},
            case when waves.n_answered < {{ var("min_group_n") }} then 'small_group' end
        ) as suppress_reason
    from waves
    inner join org_units on waves.org_unit = org_units.org_unit
    left join disclosures
        on
            waves.org_unit = disclosures.group_value
            and waves.wave = disclosures.period
),

-- A change is the score less the one before it: shown where both are.
beside_the_last as (
    select
        decided.*,
        coalesce(decided.suppress_reason is null and earlier.suppress_reason is null and earlier.wave is not null, false) as is_change_shown
    from decided
    left join decided as earlier
        on
            decided.org_unit = earlier.org_unit
            and decided.metric = earlier.metric
            and decided.previous_wave = earlier.wave
),

final as (
    select
        -- ids
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        previous_wave,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        -- measures
        {%- for name in [
            "n_answered", "n_invited", "value", "ci_low", "ci_high", "favourable_share", "neutral_share", "unfavourable_share",
            "weighted_value", "weighted_ci_low", "weighted_ci_high"
        ] %}
        case when suppress_reason is null then {{ name }} end as {{ name }},
        {%- endfor %}
        {%- for name in ["change", "change_ci_low", "change_ci_high"] %}
        case when is_change_shown then {{ name }} end as {{ name }},
        {%- endfor %}
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed,
        -- dates
        wave_date
    from beside_the_last
)

select * from final
