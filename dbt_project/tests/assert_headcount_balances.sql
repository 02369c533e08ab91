-- A returned row is a unit and month whose headcount does not add up, or whose closing is not the number of people who were in the unit,
-- or below it, at the end of the month.
with months as (
    select * from {{ ref('fct_headcount_months') }}
),

members as (
    select
        months.org_unit,
        months.month_start,
        count(distinct employee_states.employee_pid) as closing
    from months
    inner join {{ ref('int_org_unit_ancestors') }} as ancestors on months.org_unit = ancestors.ancestor_unit
    inner join {{ ref('int_employee_states') }} as employee_states
        on
            ancestors.org_unit = employee_states.org_unit
            and employee_states.start_date <= {{ month_end('months.month_start') }}
            and (employee_states.end_date > {{ month_end('months.month_start') }} or employee_states.end_date is null)
    group by months.org_unit, months.month_start
)

select
    months.*,
    members.closing as members_n
from months
left join members
    on
        months.org_unit = members.org_unit
        and months.month_start = members.month_start
where
    months.opening + months.hires + months.transfers_in - months.leavers - months.transfers_out <> months.closing
    or months.closing <> coalesce(members.closing, 0)
    or months.voluntary_leavers > months.leavers
