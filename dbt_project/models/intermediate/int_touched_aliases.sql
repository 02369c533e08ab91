-- One row per pseudonym whose customer is looked for anew.
{%- set before = built_before('int_customer_aliases') %}
with changed_sightings as (
    select * from {{ ref('int_changed_sightings') }}
),

seen as (
    {%- for column in contacts()["customers"] %}
    select {{ column }} as alias_pid
    from changed_sightings
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

-- All whom anything seen connects with them.
{%- if before %}
circles as (
    select built.circle_pid
    from {{ before }} as built
    where built.alias_pid in (select seen.alias_pid from seen)
),
{%- endif %}

touched as (
    select
        alias_pid,
        cast(null as {{ dbt.type_string() }}) as former_customer_key
    from seen
    where alias_pid is not null
    {%- if before %}
    union all
    select
        built.alias_pid,
        built.customer_key as former_customer_key
    from {{ before }} as built
    where built.circle_pid in (select circles.circle_pid from circles)
    {%- endif %}
),

final as (
    select
        alias_pid,
        max(former_customer_key) as former_customer_key
    from touched
    group by alias_pid
)

select * from final
