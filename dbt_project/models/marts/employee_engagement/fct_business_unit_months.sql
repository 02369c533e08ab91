-- One row per business unit x month.
with finance as (
    select * from {{ ref('stg_hr__finance') }}
),

fx_days as (
    select * from {{ ref('int_fx_days') }}
),

headcounts as (
    select * from {{ ref('fct_headcount_months') }}
),

dates as (
    select
        month_start,
        max(month_end) as month_end,
        max(date_day) as last_day
    from {{ ref('dim_dates') }}
    group by month_start
),

-- Of several connections that state one figure the newest counts.
newest as (
    select
        *,
        row_number() over (
            partition by business_unit, month, account order by updated_at desc, connection asc
        ) as place
    from finance
),

-- A month's figures become yen at the rate of its last known day.
in_yen as (
    select
        newest.business_unit,
        newest.month as month_start,
        newest.account,
        {{ to_jpy('newest.amount', 'fx_days.jpy_per_unit') }} as amount_jpy,
        -- A unit counts in the company's figures where both of its main ones are known.
        count(case when newest.account in ('sales', 'operating_profit') and fx_days.jpy_per_unit is not null then 1 end) over (
            partition by newest.business_unit, newest.month
        ) = 2 as is_stated
    from newest
    left join dates on newest.month = dates.month_start
    left join fx_days
        on
            newest.currency = fx_days.currency
            and dates.last_day = fx_days.date_day
    where newest.place = 1
),

units_and_company as (
    select
        business_unit,
        month_start,
        account,
        amount_jpy,
        case when is_stated then business_unit end as stated_unit
    from in_yen
    union all
    select
        'all' as business_unit,
        month_start,
        account,
        {{ sum_if_complete('amount_jpy') }} as amount_jpy,
        cast(null as {{ dbt.type_string() }}) as stated_unit
    from in_yen
    group by month_start, account
),

accounts as (
    select
        business_unit,
        month_start,
        {%- for account in ["sales", "operating_profit", "labour_cost", "training_cost"] %}
        cast(max(case when account = '{{ account }}' then amount_jpy end) as decimal(18, 2)) as {{ account }}_jpy,
        {%- endfor %}
        count(distinct stated_unit) as stated_n
    from units_and_company
    group by business_unit, month_start
),

stated_in_all as (
    select
        month_start,
        sum(stated_n) as units_n
    from accounts
    group by month_start
),

final as (
    select
        -- ids
        accounts.business_unit,
        accounts.month_start,
        -- measures
        cast(case when accounts.business_unit = 'all' then stated_in_all.units_n else accounts.stated_n end as bigint) as units_n,
        headcounts.average as average_headcount,
        accounts.sales_jpy,
        accounts.operating_profit_jpy,
        accounts.labour_cost_jpy,
        accounts.training_cost_jpy,
        -- flags
        coalesce(dates.last_day >= dates.month_end, false) as is_complete
    from accounts
    inner join stated_in_all on accounts.month_start = stated_in_all.month_start
    left join headcounts
        on
            accounts.business_unit = headcounts.org_unit
            and accounts.month_start = headcounts.month_start
    left join dates on accounts.month_start = dates.month_start
)

select * from final
