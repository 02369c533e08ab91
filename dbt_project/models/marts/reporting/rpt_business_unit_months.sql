-- One row per business unit x month.
with months as (
    select * from {{ ref('fct_business_unit_months') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'headcount' and dimension = 'org_unit'
),

-- Sums of 12 months only where all of them are there: a unit without one month's figure has no year.
years as (
    select
        months.business_unit,
        months.month_start,
        count(past.month_start) as months_n,
        count(case when not disclosures.is_suppressed then past.average_headcount end) as cleared_n,
        {{ sum_if_complete('past.sales_jpy') }} as sales_12m_jpy,
        {{ sum_if_complete('past.operating_profit_jpy') }} as operating_profit_12m_jpy,
        avg(past.average_headcount) as average_headcount_12m
    from months
    inner join months as past
        on
            months.business_unit = past.business_unit
            and months.month_start >= past.month_start
            and {{ dbt.datediff('past.month_start', 'months.month_start', 'month') }} < 12
    left join disclosures
        on
            past.business_unit = disclosures.group_value
            and {{ month_name('past.month_start') }} = disclosures.period
    group by months.business_unit, months.month_start
),

decided as (
    select
        months.*,
        case when years.months_n = 12 then years.sales_12m_jpy end as sales_12m_jpy,
        case when years.months_n = 12 then years.operating_profit_12m_jpy end as operating_profit_12m_jpy,
        {{ rounded_people('months.average_headcount') }} as shown_headcount,
        case
            when years.months_n = 12 and years.cleared_n = 12 then {{ rounded_people('years.average_headcount_12m') }}
        end as headcount_12m,
        case
            when months.average_headcount is not null then {{ why_suppressed('disclosures') }}
        end as suppress_reason
    from months
    inner join years
        on
            months.business_unit = years.business_unit
            and months.month_start = years.month_start
    left join disclosures
        on
            months.business_unit = disclosures.group_value
            and {{ month_name('months.month_start') }} = disclosures.period
),

headed as (
    select
        *,
        case when suppress_reason is null then shown_headcount end as headcount,
        case when suppress_reason is null then headcount_12m end as year_headcount
    from decided
),

final as (
    select
        -- ids
        business_unit,
        month_start,
        -- measures
        units_n,
        headcount,
        sales_jpy,
        operating_profit_jpy,
        {{ stable(safe_divide('operating_profit_jpy', 'sales_jpy')) }} as operating_margin,
        {{ money_per('sales_jpy', 'headcount') }} as sales_per_head_jpy,
        {{ money_per('operating_profit_jpy', 'headcount') }} as operating_profit_per_head_jpy,
        sales_12m_jpy,
        operating_profit_12m_jpy,
        {{ stable(safe_divide('operating_profit_12m_jpy', 'sales_12m_jpy')) }} as operating_margin_12m,
        {{ money_per('sales_12m_jpy', 'year_headcount') }} as sales_12m_per_head_jpy,
        {{ money_per('operating_profit_12m_jpy', 'year_headcount') }} as operating_profit_12m_per_head_jpy,
        suppress_reason,
        -- flags
        is_complete,
        suppress_reason is not null as is_suppressed
    from headed
)

select * from final
