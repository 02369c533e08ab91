-- One row per organisation unit x ancestor (itself included).
with org_units as (
    select * from {{ ref('dim_org_units') }}
),

levels as (
    select distinct org_level from org_units
),

final as (
    select
        org_units.org_unit,
        case
            when levels.org_level = 0 then 'all'
            else {{ path_prefix('org_units.org_unit', 'levels.org_level') }}
        end as ancestor_unit,
        cast(org_units.org_level - levels.org_level as int) as distance
    from org_units
    inner join levels on org_units.org_level >= levels.org_level
)

select * from final
