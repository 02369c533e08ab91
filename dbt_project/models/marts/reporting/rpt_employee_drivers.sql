-- One row per organisation unit x wave x driver.
with engagement as (
    select * from {{ ref('rpt_employee_engagement') }}
    where metric_code = 'driver_score' and org_level <= 1
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'survey' and dimension = 'org_unit'
),

driver_statistics as (
    select * from {{ ref('int_employee_driver_statistics') }}
),

decided as (
    select
        engagement.*,
        driver_statistics.items_n,
        driver_statistics.alpha,
        driver_statistics.alpha_ci_low,
        driver_statistics.alpha_ci_high,
        driver_statistics.impact_on,
        driver_statistics.impact,
        driver_statistics.impact_ci_low,
        driver_statistics.impact_ci_high,
        coalesce(
            engagement.suppress_reason,
            case when not coalesce(disclosures.shows_drivers, false) then 'few_answers' end
        ) as why_hidden
    from engagement
    left join disclosures
        on
            engagement.org_unit = disclosures.group_value
            and engagement.wave = disclosures.period
    left join driver_statistics
        on
            engagement.org_unit = driver_statistics.org_unit
            and engagement.wave = driver_statistics.wave
            and engagement.driver = driver_statistics.driver
),

-- What moves much and stands low comes first; a driver that goes the other way promises nothing.
weighed as (
    select
        *,
        case when why_hidden is null then {{ stable('greatest(impact, 0) * (100 - value)') }} end as priority
    from decided
),

final as (
    select
        -- ids
        org_unit,
        wave,
        driver,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        impact_on,
        -- measures
        items_n,
        {%- for name in [
            "n_answered", "value", "favourable_share", "alpha", "alpha_ci_low", "alpha_ci_high", "impact", "impact_ci_low", "impact_ci_high"
        ] %}
        case when why_hidden is null then {{ name }} end as {{ name }},
        {%- endfor %}
        priority,
        case
            when priority is not null
                then rank() over (partition by org_unit, wave, priority is not null order by priority desc)
        end as priority_rank,
        why_hidden as suppress_reason,
        -- flags
        why_hidden is not null as is_suppressed,
        -- dates
        wave_date
    from weighed
)

select * from final
