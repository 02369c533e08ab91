-- One row per organisation unit x month x method of turnover.
with headcounts as (
    select * from {{ ref('fct_headcount_months') }}
),

dates as (
    select max(date_day) as last_day from {{ ref('dim_dates') }}
),

lines as (
    select * from {{ ref('int_org_unit_lines') }}
),

-- A renamed or merged unit's past counts for the unit that carries it on, in the months since it does.
past_months as (
    select
        headcounts.org_unit,
        headcounts.month_start,
        past.month_start as past_month,
        sum(past.leavers) as leavers,
        sum(past.voluntary_leavers) as voluntary_leavers,
        sum(past.opening) as opening,
        sum(past.average) as average
    from headcounts
    inner join lines
        on
            headcounts.org_unit = lines.org_unit
            and (lines.carried_since is null or lines.carried_since <= {{ month_end('headcounts.month_start') }})
    inner join headcounts as past
        on
            lines.carried_unit = past.org_unit
            and headcounts.month_start >= past.month_start
            and {{ dbt.datediff('past.month_start', 'headcounts.month_start', 'month') }} < 12
    group by headcounts.org_unit, headcounts.month_start, past.month_start
),

windows as (
    select
        past_months.org_unit,
        past_months.month_start,
        {{ month_end('past_months.month_start') }} <= dates.last_day as is_month_over,
        extract(month from past_months.month_start) = 12 as is_december,
        sum(past_months.leavers) as leavers_12m,
        sum(past_months.voluntary_leavers) as voluntary_leavers_12m,
        avg(past_months.average) as average_12m,
        count(*) as months_12m,
        sum(
            case when extract(year from past_months.past_month) = extract(year from past_months.month_start) then past_months.leavers end
        ) as leavers_of_year,
        {{ count_if('extract(year from past_months.past_month) = extract(year from past_months.month_start)') }} as months_of_year,
        -- A unit that was not there in January has nobody to divide by.
        max(
            case
                when
                    extract(month from past_months.past_month) = 1
                    and extract(year from past_months.past_month) = extract(year from past_months.month_start)
                    then past_months.opening
            end
        ) as january_headcount
    from past_months
    cross join dates
    group by past_months.org_unit, past_months.month_start, dates.last_day
),

methods as (
    {%- for turnover_method, leavers in [("average_12m", "leavers_12m"), ("voluntary_12m", "voluntary_leavers_12m")] %}
    select
        org_unit,
        month_start,
        '{{ turnover_method }}' as turnover_method,
        {{ leavers }} as leavers,
        average_12m as denominator,
        months_12m as months_n,
        months_12m = 12 and is_month_over as is_complete,
        months_12m = 12 as is_known
    from windows
    union all
    {%- endfor %}
    select
        org_unit,
        month_start,
        'mhlw_january' as turnover_method,
        leavers_of_year as leavers,
        cast(january_headcount as double) as denominator,
        months_of_year as months_n,
        is_december and months_of_year = 12 and is_month_over as is_complete,
        january_headcount is not null as is_known
    from windows
),

final as (
    select
        -- ids
        org_unit,
        month_start,
        turnover_method,
        -- measures
        cast(months_n as bigint) as months_n,
        cast(case when is_known then leavers end as bigint) as leavers,
        case when is_known then {{ stable('denominator') }} end as denominator,
        case when is_known then {{ stable(safe_divide('leavers', 'denominator')) }} end as turnover,
        case when is_known then {{ stable(safe_divide(poisson_low('leavers'), 'denominator')) }} end as ci_low,
        case when is_known then {{ stable(safe_divide(poisson_high('leavers'), 'denominator')) }} end as ci_high,
        -- flags
        is_complete
    from methods
)

select * from final
