-- One row per organisation unit x month x kind of activity.
{%- set windows = {"half_year": 6, "recent": var("coverage_months")} %}
with activities as (
    select * from {{ ref('stg_hr__activities') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

headcounts as (
    select * from {{ ref('fct_headcount_months') }}
),

dates as (
    select max(date_day) as last_day from {{ ref('dim_dates') }}
),

-- The unit of the person on that day, the last day of work included. Who is not in the register then counts for the company alone.
placed as (
    select
        activities.connection,
        activities.activity_id,
        activities.employee_pid,
        activities.kind,
        activities.hours,
        activities.is_adopted,
        {{ month_start('activities.occurred_on') }} as month_start,
        coalesce(employee_states.org_unit, 'all') as org_unit,
        row_number() over (
            partition by activities.connection, activities.activity_id
            order by employee_states.start_date desc, employee_states.hire_date desc, employee_states.state_number desc
        ) as place
    from activities
    left join employee_states
        on
            activities.employee_pid = employee_states.employee_pid
            and activities.occurred_on >= employee_states.start_date
            and (
                activities.occurred_on < employee_states.end_date
                or (activities.occurred_on = employee_states.end_date and employee_states.left_by = 'leave')
                or employee_states.end_date is null
            )
),

of_month as (
    select
        ancestors.ancestor_unit as org_unit,
        placed.month_start,
        placed.kind,
        count(*) as events,
        count(distinct placed.employee_pid) as people_reached,
        sum(placed.hours) as hours,
        {{ count_if('placed.is_adopted') }} as adopted,
        count(placed.is_adopted) as judged
    from placed
    inner join ancestors on placed.org_unit = ancestors.org_unit
    where placed.place = 1
    group by ancestors.ancestor_unit, placed.month_start, placed.kind
),

kinds as (
    select
        kind,
        {{ month_start('min(occurred_on)') }} as first_month,
        case when count(hours) > 0 then 0 end as no_hours
    from activities
    group by kind
),

-- A month without an activity of a kind that the company records is a zero, not a gap.
frame as (
    select
        headcounts.org_unit,
        headcounts.month_start,
        kinds.kind,
        kinds.first_month,
        kinds.no_hours,
        headcounts.average,
        headcounts.opening + headcounts.hires + headcounts.transfers_in as people,
        headcounts.closing
    from headcounts
    inner join kinds on headcounts.month_start >= kinds.first_month
),

months as (
    select distinct month_start from headcounts
),

members as (
    select
        months.month_start,
        employee_states.org_unit,
        employee_states.employee_pid
    from months
    inner join employee_states
        on
            employee_states.start_date <= {{ month_end('months.month_start') }}
            and (employee_states.end_date > {{ month_end('months.month_start') }} or employee_states.end_date is null)
),

person_months as (
    select distinct
        employee_pid,
        kind,
        {{ month_start('occurred_on') }} as month_start
    from activities
),

-- Of those in the unit at the end of the month: how long ago were they last reached, wherever they worked then?
last_reached as (
    select
        members.month_start,
        members.org_unit,
        members.employee_pid,
        person_months.kind,
        min({{ dbt.datediff('person_months.month_start', 'members.month_start', 'month') }}) as months_ago
    from members
    inner join person_months
        on
            members.employee_pid = person_months.employee_pid
            and members.month_start >= person_months.month_start
    group by members.month_start, members.org_unit, members.employee_pid, person_months.kind
),

reached_of_members as (
    select
        ancestors.ancestor_unit as org_unit,
        last_reached.month_start,
        {%- for name, months in windows.items() %}
        count(distinct case when last_reached.months_ago < {{ months }} then last_reached.employee_pid end) as {{ name }}_people,
        {%- endfor %}
        last_reached.kind
    from last_reached
    inner join ancestors on last_reached.org_unit = ancestors.org_unit
    group by ancestors.ancestor_unit, last_reached.month_start, last_reached.kind
),

final as (
    select
        -- ids
        frame.org_unit,
        frame.month_start,
        frame.kind,
        -- measures
        frame.average as average_headcount,
        cast(coalesce(of_month.events, 0) as bigint) as events,
        cast(coalesce(of_month.people_reached, 0) as bigint) as people_reached,
        {{ stable('coalesce(of_month.hours, frame.no_hours)') }} as hours,
        {{ stable(safe_divide('coalesce(of_month.hours, frame.no_hours)', 'frame.average')) }} as hours_per_head,
        least({{ safe_divide('coalesce(of_month.people_reached, 0)', 'frame.people') }}, 1) as coverage_rate,
        {%- for name, months in windows.items() %}
        case
            when {{ dbt.datediff('frame.first_month', 'frame.month_start', 'month') }} >= {{ months - 1 }}
                then {{ safe_divide('coalesce(reached_of_members.' ~ name ~ '_people, 0)', 'frame.closing') }}
        end as {{ name }}_coverage_rate,
        {%- endfor %}
        100 * {{ safe_divide('coalesce(of_month.events, 0)', 'frame.average') }} as events_per_100,
        case when frame.kind = 'suggestion' then cast(coalesce(of_month.adopted, 0) as bigint) end as adopted,
        case when frame.kind = 'suggestion' then {{ safe_divide('of_month.adopted', 'of_month.judged') }} end as adoption_rate,
        -- flags
        {{ month_end('frame.month_start') }} <= dates.last_day as is_complete
    from frame
    cross join dates
    left join of_month
        on
            frame.org_unit = of_month.org_unit
            and frame.month_start = of_month.month_start
            and frame.kind = of_month.kind
    left join reached_of_members
        on
            frame.org_unit = reached_of_members.org_unit
            and frame.month_start = reached_of_members.month_start
            and frame.kind = reached_of_members.kind
)

select * from final
