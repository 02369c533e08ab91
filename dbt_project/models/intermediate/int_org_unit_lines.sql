-- One row per organisation unit x unit it carries on (itself included).
{%- set hops = 5 %}
with org_units as (
    select * from {{ ref('dim_org_units') }}
),

successions as (
    select *
    from {{ ref('int_org_unit_successions') }}
    where successor_unit is not null
),

-- A unit can only be carried on by one that outlives it, so no chain comes back to where it began.
{%- for hop in range(1, hops + 1) %}
carried_{{ hop }} as (
    {%- if hop == 1 %}
    select
        successor_unit as org_unit,
        org_unit as carried_unit,
        ended_on as carried_since
    from successions
    {%- else %}
    select
        successions.successor_unit as org_unit,
        carried_{{ hop - 1 }}.carried_unit,
        successions.ended_on as carried_since
    from carried_{{ hop - 1 }}
    inner join successions on carried_{{ hop - 1 }}.org_unit = successions.org_unit
    {%- endif %}
),
{%- endfor %}

final as (
    select
        org_unit,
        org_unit as carried_unit,
        cast(null as date) as carried_since
    from org_units
    {%- for hop in range(1, hops + 1) %}
    union all
    select * from carried_{{ hop }}
    {%- endfor %}
)

select * from final
