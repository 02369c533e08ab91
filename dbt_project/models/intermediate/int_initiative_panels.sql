-- One row per initiative x metric x subject x period.
with subjects as (
    select * from {{ ref('int_initiative_subjects') }}
),

outcomes as (
    select * from {{ ref('int_initiative_outcomes') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

-- Of employees a period is told where the register's month, and each answer where its wave, is cleared for all arms together.
disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where dimension = 'initiative'
),

-- Before the first and after the last event of a metric nothing is known of it: silence there is not a zero.
spans as (
    select
        subject_type,
        metric_code,
        min(aggregation) as aggregation,
        min(event_date) as first_date,
        max(event_date) as last_date
    from outcomes
    group by subject_type, metric_code
),

initiatives as (
    select
        initiative_key,
        subject_type,
        start_date,
        period_days,
        min(end_date) as end_date
    from subjects
    group by initiative_key, subject_type, start_date, period_days
),

numbers as (
    {%- for number in range(-1 * var("effect_periods_before"), var("effect_periods_since")) %}
    select {{ number }} as period
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

periods as (
    select
        initiatives.initiative_key,
        spans.metric_code,
        spans.aggregation,
        numbers.period,
        cast({{ dbt.dateadd('day', 'numbers.period * initiatives.period_days', 'initiatives.start_date') }} as date) as first_date,
        cast({{ dbt.dateadd('day', '(numbers.period + 1) * initiatives.period_days', 'initiatives.start_date') }} as date) as next_date,
        spans.first_date as known_from,
        spans.last_date as known_to,
        initiatives.end_date
    from initiatives
    inner join spans on initiatives.subject_type = spans.subject_type
    cross join numbers
),

-- A sum needs the whole period, a mean takes what there is of it.
cells as (
    select
        subjects.initiative_key,
        periods.metric_code,
        subjects.subject_key,
        subjects.subject_type,
        periods.aggregation,
        periods.period,
        periods.first_date,
        periods.next_date,
        subjects.is_treated,
        subjects.treated_from,
        periods.metric_code = subjects.metric_code as is_target,
        case
            when subjects.subject_type in ('org_unit', 'employee') and periods.aggregation = 'sum'
                then {{ why_suppressed('disclosures') }}
        end as why_hidden
    from periods
    inner join subjects on periods.initiative_key = subjects.initiative_key
    left join disclosures
        on
            periods.initiative_key = disclosures.group_value
            and disclosures.population = 'headcount'
            and {{ month_name('periods.first_date') }} = disclosures.period
    where
        periods.first_date <= periods.known_to
        and periods.next_date > periods.known_from
        and (
            periods.aggregation <> 'sum'
            or (
                periods.first_date >= periods.known_from
                and periods.next_date <= cast({{ dbt.dateadd('day', 1, 'periods.known_to') }} as date)
            )
        )
        and (periods.end_date is null or periods.first_date <= periods.end_date)
),

events as (
    select
        cells.initiative_key,
        cells.metric_code,
        cells.subject_key,
        cells.period,
        outcomes.person_key,
        outcomes.amount,
        case
            when outcomes.wave is null then cells.why_hidden
            else {{ why_suppressed('disclosures') }}
        end as why_hidden
    from cells
    inner join outcomes
        on
            cells.subject_type = outcomes.subject_type
            and cells.subject_key = outcomes.subject_key
            and cells.metric_code = outcomes.metric_code
            and cells.first_date <= outcomes.event_date
            and cells.next_date > outcomes.event_date
    left join disclosures
        on
            cells.initiative_key = disclosures.group_value
            and disclosures.population = 'survey'
            and outcomes.wave = disclosures.period
),

measured as (
    select
        initiative_key,
        metric_code,
        subject_key,
        period,
        count(distinct case when why_hidden is null then person_key end) as persons_n,
        sum(case when why_hidden is null then amount end) as total,
        avg(case when why_hidden is null then amount end) as mean,
        median(case when why_hidden is null then amount end) as median,
        min(why_hidden) as why_hidden
    from events
    group by initiative_key, metric_code, subject_key, period
),

heads as (
    select
        cells.initiative_key,
        cells.metric_code,
        cells.subject_key,
        cells.period,
        count(distinct employee_states.employee_pid) as heads_n
    from cells
    inner join ancestors on cells.subject_key = ancestors.ancestor_unit
    inner join employee_states
        on
            ancestors.org_unit = employee_states.org_unit
            and cells.first_date >= employee_states.start_date
            and (cells.first_date < employee_states.end_date or employee_states.end_date is null)
    where cells.subject_type = 'org_unit' and cells.aggregation = 'sum'
    group by cells.initiative_key, cells.metric_code, cells.subject_key, cells.period
),

-- What is counted in a unit is told per head of it, so that a unit that grows does not seem to get better.
valued as (
    select
        cells.*,
        coalesce(cells.why_hidden, measured.why_hidden) as suppress_reason,
        case
            when cells.why_hidden is not null then null
            when cells.subject_type in ('customer', 'employee') then 1
            when cells.aggregation = 'sum' then heads.heads_n
            else measured.persons_n
        end as persons_n,
        case
            when cells.why_hidden is not null then null
            when cells.aggregation = 'mean' then measured.mean
            when cells.aggregation = 'median' then measured.median
            when cells.subject_type = 'org_unit' then coalesce(measured.total, 0) / nullif(heads.heads_n, 0)
            else coalesce(measured.total, 0)
        end as value
    from cells
    left join measured
        on
            cells.initiative_key = measured.initiative_key
            and cells.metric_code = measured.metric_code
            and cells.subject_key = measured.subject_key
            and cells.period = measured.period
    left join heads
        on
            cells.initiative_key = heads.initiative_key
            and cells.metric_code = heads.metric_code
            and cells.subject_key = heads.subject_key
            and cells.period = heads.period
),

final as (
    select
        initiative_key,
        metric_code,
        subject_key,
        subject_type,
        period,
        first_date as period_start,
        is_target,
        is_treated,
        treated_from,
        aggregation,
        suppress_reason,
        persons_n,
        {{ stable('value') }} as value
    from valued
    where value is not null or suppress_reason is not null
)

select * from final
