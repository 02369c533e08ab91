-- One row per employee x month x manager above.
{%- set deepest = var("max_manager_levels") %}
with employee_states as (
    select * from {{ ref('int_employee_states') }}
),

months as (
    select distinct month_start from {{ ref('fct_headcount_months') }}
),

-- Everybody in the register at the end of the month, once, with the manager of that day.
staff as (
    select
        months.month_start,
        employee_states.employee_pid,
        max(employee_states.org_unit) as org_unit,
        max(case when employee_states.manager_pid <> employee_states.employee_pid then employee_states.manager_pid end) as manager_pid
    from months
    inner join employee_states
        on
            employee_states.start_date <= {{ month_end('months.month_start') }}
            and (employee_states.end_date > {{ month_end('months.month_start') }} or employee_states.end_date is null)
    group by months.month_start, employee_states.employee_pid
),

-- A chain that comes back to somebody in it is cut there: a circle has no top.
{%- for level in range(1, deepest + 1) %}
level_{{ level }} as (
    {%- if level == 1 %}
    select
        month_start,
        employee_pid,
        org_unit,
        manager_pid,
        '/' || employee_pid || '/' as people_below
    from staff
    where manager_pid is not null
    {%- else %}
    select
        below.month_start,
        below.employee_pid,
        below.org_unit,
        staff.manager_pid,
        below.people_below || below.manager_pid || '/' as people_below
    from level_{{ level - 1 }} as below
    inner join staff
        on
            below.month_start = staff.month_start
            and below.manager_pid = staff.employee_pid
    where
        staff.manager_pid is not null
        and below.people_below || below.manager_pid || '/' not like '%/' || staff.manager_pid || '/%'
    {%- endif %}
),
{%- endfor %}

links as (
    {%- for level in range(1, deepest + 1) %}
    select
        *,
        {{ level }} as manager_level
    from level_{{ level }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        -- ids
        links.employee_pid,
        links.month_start,
        cast(links.manager_level as int) as manager_level,
        links.manager_pid,
        -- attributes
        links.org_unit,
        managers.org_unit as manager_unit,
        case
            when managers.employee_pid is null then 'orphan'
            when managers.manager_pid is null then 'top'
            when links.people_below || links.manager_pid || '/' like '%/' || managers.manager_pid || '/%' then 'circle'
            when links.manager_level = {{ deepest }} then 'limit'
        end as chain_end
    from links
    left join staff as managers
        on
            links.month_start = managers.month_start
            and links.manager_pid = managers.employee_pid
)

select * from final
