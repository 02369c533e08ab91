-- One row per population x period x dimension x group.
with headcounts as (
    select * from {{ ref('fct_headcount_months') }}
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

located as (
    select
        headcounts.org_unit,
        headcounts.month_start,
        headcounts.closing as n,
        org_units.parent_unit
    from headcounts
    inner join org_units on headcounts.org_unit = org_units.org_unit
),

-- Who sits in a parent itself is the parent less its children: a group of its own that is never shown, yet could be worked out.
beside_the_children as (
    select
        parents.month_start,
        parents.org_unit as parent_unit,
        cast(null as {{ dbt.type_string() }}) as org_unit,
        max(parents.n) - sum(children.n) as n
    from located as parents
    inner join located as children
        on
            parents.org_unit = children.parent_unit
            and parents.month_start = children.month_start
    group by parents.month_start, parents.org_unit
),

siblings as (
    select
        month_start,
        coalesce(parent_unit, '') as parent_unit,
        org_unit,
        n
    from located
    union all
    select
        month_start,
        parent_unit,
        org_unit,
        n
    from beside_the_children
    where n > 0
),

judged as (
    {{ suppress_siblings('siblings', ['month_start', 'parent_unit'], "coalesce(org_unit, '')", 'n') }}
),

-- What lies below a hidden unit adds up to it.
below_hidden as (
    select distinct
        ancestors.org_unit,
        judged.month_start
    from judged
    inner join ancestors
        on
            judged.org_unit = ancestors.ancestor_unit
            and ancestors.distance > 0
    where judged.suppress_reason is not null
),

decided as (
    select
        judged.org_unit,
        judged.month_start,
        judged.n,
        coalesce(judged.suppress_reason, case when below_hidden.org_unit is not null then 'parent_hidden' end) as suppress_reason
    from judged
    left join below_hidden
        on
            judged.org_unit = below_hidden.org_unit
            and judged.month_start = below_hidden.month_start
    where judged.org_unit is not null
),

final as (
    select
        -- ids
        'headcount' as population,
        {{ month_name('month_start') }} as period,
        'org_unit' as dimension,
        org_unit as group_value,
        -- measures
        cast(n as bigint) as n,
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed
    from decided
)

select * from final
