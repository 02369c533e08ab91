-- One row per organisation unit x month.
with chains as (
    select * from {{ ref('int_manager_chains') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'headcount' and dimension = 'org_unit'
),

-- Whom the managers of a unit lead counts for that unit, wherever they sit.
spans as (
    select
        ancestors.ancestor_unit as org_unit,
        chains.month_start,
        count(distinct chains.manager_pid) as managers,
        count(*) as reports
    from chains
    inner join ancestors on chains.manager_unit = ancestors.org_unit
    where chains.manager_level = 1
    group by ancestors.ancestor_unit, chains.month_start
),

depths as (
    select
        ancestors.ancestor_unit as org_unit,
        chains.month_start,
        max(chains.manager_level) as managers_above,
        {{ count_if("chains.chain_end in ('orphan', 'circle', 'limit')") }} as broken_chains
    from chains
    inner join ancestors on chains.org_unit = ancestors.org_unit
    group by ancestors.ancestor_unit, chains.month_start
),

decided as (
    select
        depths.*,
        spans.managers,
        spans.reports,
        case
            when coalesce(disclosures.is_suppressed, true) then {{ why_suppressed('disclosures') }}
            when coalesce(spans.managers, 0) < {{ var('min_group_n') }} then 'few_managers'
        end as suppress_reason
    from depths
    left join spans
        on
            depths.org_unit = spans.org_unit
            and depths.month_start = spans.month_start
    left join disclosures
        on
            depths.org_unit = disclosures.group_value
            and {{ month_name('depths.month_start') }} = disclosures.period
),

final as (
    select
        -- ids
        decided.org_unit,
        decided.month_start,
        -- attributes
        org_units.parent_unit,
        org_units.org_level,
        -- measures
        case when decided.suppress_reason is null then {{ rounded_people('decided.managers') }} end as managers,
        case when decided.suppress_reason is null then round({{ safe_divide('decided.reports', 'decided.managers') }}, 1) end as mean_span,
        case when decided.suppress_reason is null then decided.managers_above end as managers_above,
        case when decided.suppress_reason is null then {{ rounded_people('decided.broken_chains') }} end as broken_chains,
        decided.suppress_reason,
        -- flags
        decided.suppress_reason is not null as is_suppressed
    from decided
    inner join org_units on decided.org_unit = org_units.org_unit
)

select * from final
