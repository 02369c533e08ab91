-- One row per organisation unit x month.
with employees as (
    select * from {{ ref('stg_hr__employees') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

-- Before the first recorded state only those who stayed are known, so no month before it is shown.
first_month as (
    select {{ month_start('min(valid_from)') }} as month_start
    from employees
),

months as (
    select distinct dates.month_start
    from dates
    inner join first_month on dates.month_start >= first_month.month_start
),

memberships as (
    select
        ancestors.ancestor_unit as org_unit,
        employee_states.*,
        lag(employee_states.end_date) over (
            partition by ancestors.ancestor_unit, employee_states.employee_pid, employee_states.hire_date
            order by employee_states.state_number
        ) as previous_end,
        lead(employee_states.start_date) over (
            partition by ancestors.ancestor_unit, employee_states.employee_pid, employee_states.hire_date
            order by employee_states.state_number
        ) as next_start
    from employee_states
    inner join ancestors on employee_states.org_unit = ancestors.org_unit
),

-- A move between two units below the same parent is neither in nor out for the parent.
movements as (
    select
        org_unit,
        start_date as moved_on,
        entered_by as movement,
        false as is_voluntary_leave,
        1 as change
    from memberships
    where previous_end is null or previous_end <> start_date
    union all
    select
        org_unit,
        end_date as moved_on,
        case when left_by = 'leave' then 'leave' else 'transfer' end as movement,
        is_voluntary_leave,
        -1 as change
    from memberships
    where end_date is not null and (left_by = 'leave' or next_start is null or next_start <> end_date)
),

movements_of_month as (
    select
        org_unit,
        {{ month_start('moved_on') }} as month_start,
        {{ count_if("movement = 'hire'") }} as hires,
        {{ count_if("movement = 'transfer' and change = 1") }} as transfers_in,
        {{ count_if("movement = 'leave'") }} as leavers,
        {{ count_if('is_voluntary_leave') }} as voluntary_leavers,
        {{ count_if("movement = 'transfer' and change = -1") }} as transfers_out,
        sum(change) as change
    from movements
    group by org_unit, {{ month_start('moved_on') }}
),

units as (
    select
        movements_of_month.org_unit,
        min(movements_of_month.month_start) as first_month,
        sum(case when movements_of_month.month_start < first_month.month_start then movements_of_month.change else 0 end) as brought_forward
    from movements_of_month
    cross join first_month
    group by movements_of_month.org_unit
),

balances as (
    select
        units.org_unit,
        months.month_start,
        coalesce(movements_of_month.hires, 0) as hires,
        coalesce(movements_of_month.transfers_in, 0) as transfers_in,
        coalesce(movements_of_month.leavers, 0) as leavers,
        coalesce(movements_of_month.voluntary_leavers, 0) as voluntary_leavers,
        coalesce(movements_of_month.transfers_out, 0) as transfers_out,
        coalesce(movements_of_month.change, 0) as change,
        units.brought_forward + sum(coalesce(movements_of_month.change, 0)) over (
            partition by units.org_unit order by months.month_start rows between unbounded preceding and current row
        ) as closing
    from units
    inner join months on units.first_month <= months.month_start
    left join movements_of_month
        on
            units.org_unit = movements_of_month.org_unit
            and months.month_start = movements_of_month.month_start
),

final as (
    select
        org_unit,
        month_start,
        cast(closing - change as bigint) as opening,
        hires,
        transfers_in,
        leavers,
        voluntary_leavers,
        transfers_out,
        cast(closing as bigint) as closing,
        cast(closing * 2 - change as double) / 2 as average
    from balances
)

select * from final
