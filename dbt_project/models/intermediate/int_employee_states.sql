-- One row per employee x employment x state.
with employees as (
    select * from {{ ref('stg_hr__employees') }}
),

newest_first as (
    select
        *,
        row_number() over (
            partition by employee_pid, hire_date, valid_from order by updated_at desc, connection asc
        ) as version_rank
    from employees
),

-- The newest state of an employment knows best whether and why it ended.
in_sequence as (
    select
        employee_pid,
        hire_date,
        valid_from,
        org_unit,
        manager_pid,
        employment_type,
        row_number() over (partition by employee_pid, hire_date order by valid_from) as state_number,
        lead(valid_from) over (partition by employee_pid, hire_date order by valid_from) as next_from,
        first_value(leave_date) over (partition by employee_pid, hire_date order by valid_from desc) as leave_date,
        first_value(leave_reason) over (partition by employee_pid, hire_date order by valid_from desc) as leave_reason
    from newest_first
    where version_rank = 1
),

-- The first known state holds since the day of hire.
started as (
    select
        *,
        case when state_number = 1 then hire_date else greatest(valid_from, hire_date) end as start_date,
        coalesce(leave_date < next_from or (leave_date is not null and next_from is null), false) as is_last
    from in_sequence
),

-- A member of the unit at the end of each day from start_date until the day before end_date: the last day of work is the day of leaving.
final as (
    select
        employee_pid,
        hire_date,
        state_number,
        org_unit,
        manager_pid,
        employment_type,
        start_date,
        case when is_last then leave_date else next_from end as end_date,
        case when state_number = 1 then 'hire' else 'transfer' end as entered_by,
        case
            when is_last then 'leave'
            when next_from is not null then 'transfer'
        end as left_by,
        coalesce(is_last and leave_reason = 'voluntary', false) as is_voluntary_leave
    from started
    where leave_date is null or start_date <= leave_date
)

select * from final
