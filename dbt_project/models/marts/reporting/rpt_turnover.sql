-- One row per organisation unit x month x method of turnover.
with turnover as (
    select * from {{ ref('fct_turnover_months') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'headcount' and dimension = 'org_unit'
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

successions as (
    select * from {{ ref('int_org_unit_successions') }}
),

lines as (
    select * from {{ ref('int_org_unit_lines') }}
),

-- A figure of several months is shown where each of its months may be, those of the units that were carried on among them.
cleared as (
    select
        turnover.org_unit,
        turnover.month_start,
        turnover.turnover_method,
        count(distinct case when not disclosures.is_suppressed then disclosures.period end) as cleared_n,
        max(disclosures.suppress_reason) as any_reason,
        max(case when disclosures.period = {{ month_name('turnover.month_start') }} then disclosures.suppress_reason end) as own_reason
    from turnover
    inner join lines
        on
            turnover.org_unit = lines.org_unit
            and (lines.carried_since is null or lines.carried_since <= {{ month_end('turnover.month_start') }})
    left join disclosures
        on
            lines.carried_unit = disclosures.group_value
            and disclosures.n > 0
            and {{ month_name('turnover.month_start') }} >= disclosures.period
            and {{ month_name(dbt.dateadd('month', '-turnover.months_n', 'turnover.month_start')) }} < disclosures.period
    group by turnover.org_unit, turnover.month_start, turnover.turnover_method
),

decided as (
    select
        turnover.*,
        {{ rounded_people('turnover.denominator') }} as shown_headcount,
        {{ band_low('turnover.leavers') }} as leavers_low,
        {{ band_high('turnover.leavers') }} as leavers_high,
        case
            when cleared.any_reason is not null or cleared.cleared_n < turnover.months_n
                then coalesce(cleared.own_reason, cleared.any_reason, 'not_cleared')
        end as suppress_reason
    from turnover
    inner join cleared
        on
            turnover.org_unit = cleared.org_unit
            and turnover.month_start = cleared.month_start
            and turnover.turnover_method = cleared.turnover_method
),

-- The interval holds for every count of the band and for every headcount that is rounded to the one shown.
figures as (
    select
        *,
        leavers_low || '-' || leavers_high as leavers_band,
        case when leavers >= 5 then {{ safe_divide(rounded_people('leavers'), 'shown_headcount') }} end as shown_turnover,
        {{ safe_divide(poisson_low('leavers_low'), 'shown_headcount + 2.5') }} as shown_low,
        {{ safe_divide(poisson_high('leavers_high'), 'greatest(shown_headcount - 2.5, 2.5)') }} as shown_high
    from decided
),

final as (
    select
        -- ids
        figures.org_unit,
        figures.month_start,
        figures.turnover_method,
        -- attributes
        org_units.parent_unit,
        org_units.business_unit,
        org_units.org_level,
        coalesce(successions.ended_by, 'open') as unit_status,
        successions.successor_unit,
        -- measures
        {%- for name, column in [
            ("leavers_band", "leavers_band"), ("headcount", "shown_headcount"), ("turnover", "shown_turnover"),
            ("ci_low", "shown_low"), ("ci_high", "shown_high")
        ] %}
        case when figures.suppress_reason is null and figures.leavers is not null then figures.{{ column }} end as {{ name }},
        {%- endfor %}
        figures.months_n,
        figures.suppress_reason,
        -- flags
        figures.is_complete,
        figures.suppress_reason is not null as is_suppressed
    from figures
    inner join org_units on figures.org_unit = org_units.org_unit
    left join successions on figures.org_unit = successions.org_unit
    where successions.ended_on is null or figures.month_start < successions.ended_on
)

select * from final
