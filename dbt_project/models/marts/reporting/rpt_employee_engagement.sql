-- One row per organisation unit x wave x metric.
with waves as (
    select * from {{ ref('fct_employee_engagement_waves') }}
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

located as (
    select
        waves.*,
        org_units.parent_unit,
        org_units.org_level,
        org_units.business_unit
    from waves
    inner join org_units on waves.org_unit = org_units.org_unit
),

-- Who sits in a parent itself is the parent less its children: a group of its own that is never shown, yet could be worked out.
beside_the_children as (
    select
        parents.wave,
        parents.metric,
        parents.org_unit as parent_unit,
        cast(null as {{ dbt.type_string() }}) as org_unit,
        max(parents.n_answered) - sum(children.n_answered) as n_answered
    from located as parents
    inner join located as children
        on
            parents.org_unit = children.parent_unit
            and parents.wave = children.wave
            and parents.metric = children.metric
    group by parents.wave, parents.metric, parents.org_unit
),

siblings as (
    select
        wave,
        metric,
        coalesce(parent_unit, '') as parent_unit,
        org_unit,
        n_answered
    from located
    union all
    select
        wave,
        metric,
        parent_unit,
        org_unit,
        n_answered
    from beside_the_children
    where n_answered > 0
),

judged as (
    {{ suppress_siblings('siblings', ['wave', 'metric', 'parent_unit'], "coalesce(org_unit, '')", 'n_answered') }}
),

-- What lies below a hidden unit adds up to it.
below_hidden as (
    select distinct
        ancestors.org_unit,
        judged.wave,
        judged.metric
    from judged
    inner join ancestors
        on
            judged.org_unit = ancestors.ancestor_unit
            and ancestors.distance > 0
    where judged.suppress_reason is not null
),

decided as (
    select
        located.*,
        coalesce(
            judged.suppress_reason,
            case when below_hidden.org_unit is not null then 'parent_hidden' end
        ) as suppress_reason
    from located
    inner join judged
        on
            located.org_unit = judged.org_unit
            and located.wave = judged.wave
            and located.metric = judged.metric
    left join below_hidden
        on
            located.org_unit = below_hidden.org_unit
            and located.wave = below_hidden.wave
            and located.metric = below_hidden.metric
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
