-- One row per organisation unit x month x kind of activity.
with activities as (
    select * from {{ ref('fct_employee_activities') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'headcount' and dimension = 'org_unit'
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

decided as (
    select
        activities.*,
        org_units.parent_unit,
        org_units.business_unit,
        org_units.org_level,
        {{ why_suppressed('disclosures') }} as suppress_reason
    from activities
    inner join org_units on activities.org_unit = org_units.org_unit
    left join disclosures
        on
            activities.org_unit = disclosures.group_value
            and {{ month_name('activities.month_start') }} = disclosures.period
),

final as (
    select
        -- ids
        org_unit,
        month_start,
        kind,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        -- measures
        {%- for name in ["events", "people_reached"] %}
        case when suppress_reason is null then {{ rounded_people(name) }} end as {{ name }},
        {%- endfor %}
        {%- for name in ["coverage_rate", "half_year_coverage_rate", "recent_coverage_rate"] %}
        case when suppress_reason is null then {{ coarse_share(name, 'average_headcount') }} end as {{ name }},
        {%- endfor %}
        case when suppress_reason is null then round(hours_per_head, 1) end as hours_per_head,
        case when suppress_reason is null then 100 * {{ coarse_share('events_per_100 / 100', 'average_headcount') }} end as events_per_100,
        case when suppress_reason is null and events >= {{ var('min_group_n') }} then {{ coarse_share('adoption_rate', 'events') }} end as adoption_rate,
        suppress_reason,
        -- flags
        is_complete,
        suppress_reason is not null as is_suppressed
    from decided
)

select * from final
