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

ended as (
    select
        dated.*,
        last_days.last_day,
        case when dated.end_date < dated.whole_end then dated.end_date else dated.whole_end end as cycle_end
    from dated
    cross join last_days
    where dated.cycle_start <= last_days.last_day and (dated.end_date is null or dated.cycle_start <= dated.end_date)
),

reached as (
    select
        ended.initiative_key,
        ended.place,
        count(
            case
                when
                    subjects.is_treated
                    and cast({{ dbt.dateadd('day', 'subjects.treated_from * subjects.period_days', 'subjects.start_date') }} as date)
                    <= least(ended.cycle_end, ended.last_day)
                    then 1
            end
        ) as reach
    from ended
    inner join subjects on ended.initiative_key = subjects.initiative_key
    group by ended.initiative_key, ended.place
),

final as (
    select
        ended.initiative_key,
        cast(ended.place + 1 as int) as cycle,
        ended.subject_type,
        ended.cycle_start,
        ended.cycle_end,
        cast(ended.place * ended.periods_per_cycle as int) as first_period,
        cast(ended.last_period as int) as last_period,
        ended.reach_planned,
        reached.reach,
        ended.cycle_end > ended.last_day as is_open,
        coalesce(ended.cycle_end >= ended.end_date, false) as is_last
    from ended
    inner join reached
        on
            ended.initiative_key = reached.initiative_key
            and ended.place = reached.place
)

select * from final
