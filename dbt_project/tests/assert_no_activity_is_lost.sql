-- A returned row is a month and kind whose activities are not all counted for the company, where its headcount is known.
with landed as (
    select
        {{ month_start('occurred_on') }} as month_start,
        kind,
        count(*) as events
    from {{ ref('stg_hr__activities') }}
    group by {{ month_start('occurred_on') }}, kind
),

counted as (
    select * from {{ ref('fct_employee_activities') }}
    where org_unit = 'all'
)

select
    landed.month_start,
    landed.kind,
    landed.events,
    counted.events as counted_events
from counted
left join landed
    on
        counted.month_start = landed.month_start
        and counted.kind = landed.kind
where coalesce(landed.events, 0) <> counted.events
