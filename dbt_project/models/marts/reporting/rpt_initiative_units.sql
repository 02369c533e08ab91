-- One row per initiative x organisation unit x wave.
with subjects as (
    select * from {{ ref('int_initiative_subjects') }}
    where subject_type = 'org_unit'
),

outcomes as (
    select * from {{ ref('int_initiative_outcomes') }}
    where subject_type = 'org_unit' and wave is not null
),

initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'survey' and dimension = 'initiative'
),

waves as (
    select distinct
        subject_key,
        wave,
        event_date
    from outcomes
),

started as (
    select
        *,
        min(treated_from) over (partition by initiative_key) as first_from
    from subjects
),

placed as (
    select
        started.*,
        waves.wave,
        cast(floor({{ dbt.datediff('started.start_date', 'waves.event_date', 'day') }} / cast(started.period_days as double)) as int) as period
    from started
    inner join waves on started.subject_key = waves.subject_key
),

dated as (
    select
        *,
        cast({{ dbt.dateadd('day', 'period * period_days', 'start_date') }} as date) as period_start
    from placed
    where period >= -1 * {{ var("effect_periods_before") }} and period < {{ var("effect_periods_since") }}
),

final as (
    select
        -- ids
        dated.initiative_key,
        dated.subject_key as org_unit,
        dated.wave,
        -- attributes
        initiatives.code,
        initiatives.name,
        dated.design,
        case when dated.is_treated then 'treatment' else 'control' end as arm,
        {{ why_suppressed('disclosures') }} as suppress_reason,
        -- flags
        dated.period >= case when dated.design = 'staggered' then coalesce(dated.treated_from, dated.first_from) else dated.first_from end as is_since,
        {{ why_suppressed('disclosures') }} is not null as is_suppressed,
        -- dates
        dated.period_start
    from dated
    inner join initiatives on dated.initiative_key = initiatives.initiative_key
    left join disclosures
        on
            dated.initiative_key = disclosures.group_value
            and dated.wave = disclosures.period
    where dated.end_date is null or dated.period_start <= dated.end_date
)

select * from final
