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

final as (
    select
        -- ids
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        -- measures
        {%- for name in [
            "n_answered", "n_invited", "value", "ci_low", "ci_high", "favourable_share", "neutral_share", "unfavourable_share"
        ] %}
        case when suppress_reason is null then {{ name }} end as {{ name }},
        {%- endfor %}
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed,
        -- dates
        wave_date
    from decided
)

select * from final
