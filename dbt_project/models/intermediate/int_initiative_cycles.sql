-- One row per initiative x cycle.
with subjects as (
    select * from {{ ref('int_initiative_subjects') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

last_days as (
    select max(date_day) as last_day from dates
),

-- A cycle is made of whole periods, so that what is checked at its end lies within it; a holdout with an end has one period, thus one cycle.
initiatives as (
    select
        initiative_key,
        start_date,
        period_days,
        greatest(cast(round({{ var("pdca_cycle_days") }} / cast(period_days as double)) as int), 1) as periods_per_cycle,
        min(end_date) as end_date,
        min(subject_type) as subject_type,
        count(case when is_treated then 1 end) as reach_planned
    from subjects
    group by initiative_key, start_date, period_days
),

numbers as (
    {%- for number in range(var("effect_periods_since")) %}
    select {{ number }} as place
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

bounds as (
    select
        initiatives.*,
        numbers.place,
        (numbers.place + 1) * initiatives.periods_per_cycle - 1 as last_period,
        numbers.place * initiatives.periods_per_cycle * initiatives.period_days as days_to_first,
        (numbers.place + 1) * initiatives.periods_per_cycle * initiatives.period_days - 1 as days_to_last
    from initiatives
    cross join numbers
    where (numbers.place + 1) * initiatives.periods_per_cycle <= {{ var("effect_periods_since") }}
),

dated as (
    select
        bounds.*,
        cast({{ dbt.dateadd('day', 'bounds.days_to_first', 'bounds.start_date') }} as date) as cycle_start,
        cast({{ dbt.dateadd('day', 'bounds.days_to_last', 'bounds.start_date') }} as date) as whole_end
    from bounds
),

-- What is left before the end, but shorter than a period, is no cycle of its own: it belongs to the last one.
ended as (
    select
        dated.*,
        last_days.last_day,
        coalesce(
            cast({{ dbt.dateadd('day', 'dated.period_days', 'dated.whole_end') }} as date) > dated.end_date, false
        ) as is_last
    from dated
    cross join last_days
    where
        dated.cycle_start <= last_days.last_day
        and (
            dated.end_date is null
            or dated.place = 0
            or cast({{ dbt.dateadd('day', 'dated.period_days - 1', 'dated.cycle_start') }} as date) <= dated.end_date
        )
),

closed as (
    select
        *,
        case when is_last then end_date else whole_end end as cycle_end
    from ended
),

reached as (
    select
        closed.initiative_key,
        closed.place,
        count(
            case
                when
                    subjects.is_treated
                    and cast({{ dbt.dateadd('day', 'subjects.treated_from * subjects.period_days', 'subjects.start_date') }} as date)
                    <= least(closed.cycle_end, closed.last_day)
                    then 1
            end
        ) as reach
    from closed
    inner join subjects on closed.initiative_key = subjects.initiative_key
    group by closed.initiative_key, closed.place
),

final as (
    select
        closed.initiative_key,
        cast(closed.place + 1 as int) as cycle, -- noqa: RF04
        closed.subject_type,
        closed.cycle_start,
        closed.cycle_end,
        cast(closed.place * closed.periods_per_cycle as int) as first_period,
        cast(case when closed.is_last then {{ var("effect_periods_since") }} else closed.last_period end as int) as last_period,
        closed.reach_planned,
        reached.reach,
        closed.cycle_end > closed.last_day as is_open,
        closed.is_last
    from closed
    inner join reached
        on
            closed.initiative_key = reached.initiative_key
            and closed.place = reached.place
)

select * from final
