-- One row per wave x horizon x organisation unit x level of ranking.
with engagement as (
    select *
    from {{ ref('rpt_employee_engagement') }}
    where metric = 'engagement_index' and org_level > 0
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

business_units as (
    select * from {{ ref('fct_business_unit_months') }}
),

dates as (
    select max(date_day) as last_day from {{ ref('dim_dates') }}
),

horizons as (
    select 6 as horizon_months
    union all
    select 12 as horizon_months
),

parents as (
    select distinct
        wave,
        parent_unit
    from engagement
),

-- Turnover is asked of the smallest units, the margin of the business units: nobody below them has figures of their own. A unit whose score is
-- hidden is not ranked. What follows begins on the day after the wave's last answer.
ranked as (
    select
        engagement.wave,
        engagement.wave_date,
        engagement.org_unit,
        'smallest_unit' as ranking_level,
        engagement.value as engagement_index
    from engagement
    left join parents
        on
            engagement.wave = parents.wave
            and engagement.org_unit = parents.parent_unit
    where not engagement.is_suppressed and parents.parent_unit is null
    union all
    select
        wave,
        wave_date,
        org_unit,
        'business_unit' as ranking_level,
        value as engagement_index
    from engagement
    where not is_suppressed and org_level = 1
),

windows as (
    select
        ranked.*,
        horizons.horizon_months,
        cast({{ dbt.dateadd('day', 1, 'ranked.wave_date') }} as date) as window_start,
        cast({{ dbt.dateadd('month', 'horizons.horizon_months', 'ranked.wave_date') }} as date) as window_end
    from ranked
    cross join horizons
),

employments as (
    select
        *,
        max(case when left_by = 'leave' then end_date end) over (partition by employee_pid, hire_date) as leave_date,
        max(case when is_voluntary_leave then 1 else 0 end) over (partition by employee_pid, hire_date) as is_voluntary
    from employee_states
),

-- Everybody who was in the unit when the wave closed is followed until they leave the company or the window ends, wherever they work then.
followed as (
    select
        windows.wave,
        windows.horizon_months,
        windows.org_unit,
        windows.ranking_level,
        employments.is_voluntary,
        coalesce(employments.leave_date <= windows.window_end, false) as has_left,
        {{ dbt.datediff('windows.wave_date', 'least(coalesce(employments.leave_date, windows.window_end), windows.window_end)', 'day') }}
            as followed_days
    from windows
    inner join ancestors on windows.org_unit = ancestors.ancestor_unit
    inner join employments
        on
            ancestors.org_unit = employments.org_unit
            and windows.wave_date >= employments.start_date
            and (windows.wave_date < employments.end_date or employments.end_date is null)
),

people as (
    select
        wave,
        horizon_months,
        org_unit,
        ranking_level,
        count(*) as people,
        {{ count_if('has_left') }} as leavers,
        {{ count_if('has_left and is_voluntary = 1') }} as voluntary_leavers,
        sum(followed_days) / 365.25 as person_years
    from followed
    group by wave, horizon_months, org_unit, ranking_level
),

-- Whole months, the first one that begins in the window and those after it.
margins as (
    select
        windows.wave,
        windows.horizon_months,
        windows.org_unit,
        count(business_units.operating_profit_jpy) as months_n,
        sum(business_units.sales_jpy) as sales_jpy,
        sum(business_units.operating_profit_jpy) as operating_profit_jpy
    from windows
    inner join business_units
        on
            windows.org_unit = business_units.business_unit
            and windows.window_start <= business_units.month_start
            and windows.window_end >= business_units.month_start
    where windows.ranking_level = 'business_unit' and business_units.sales_jpy is not null and business_units.is_complete
    group by windows.wave, windows.horizon_months, windows.org_unit
),

final as (
    select
        -- ids
        windows.wave,
        windows.horizon_months,
        windows.org_unit,
        windows.ranking_level,
        -- measures
        windows.engagement_index,
        coalesce(people.people, 0) as people,
        {{ stable('people.person_years') }} as person_years,
        coalesce(people.leavers, 0) as leavers,
        coalesce(people.voluntary_leavers, 0) as voluntary_leavers,
        case
            when margins.months_n = windows.horizon_months
                then {{ stable(safe_divide('margins.operating_profit_jpy', 'margins.sales_jpy')) }}
        end as operating_margin,
        -- flags
        windows.window_end <= dates.last_day as is_complete,
        -- dates
        windows.window_start,
        windows.window_end
    from windows
    cross join dates
    left join people
        on
            windows.wave = people.wave
            and windows.horizon_months = people.horizon_months
            and windows.org_unit = people.org_unit
            and windows.ranking_level = people.ranking_level
    left join margins
        on
            windows.wave = margins.wave
            and windows.horizon_months = margins.horizon_months
            and windows.org_unit = margins.org_unit
            and windows.ranking_level = 'business_unit'
)

select * from final
