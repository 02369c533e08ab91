-- One row per currency x day.
with rates as (
    select * from {{ ref('fx_rates') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

spans as (
    select
        currency,
        jpy_per_unit,
        rate_date as valid_from,
        lead(rate_date) over (partition by currency order by rate_date) as valid_to
    from rates
    where currency <> 'JPY'
),

carried_forward as (
    select
        spans.currency,
        dates.date_day,
        cast(spans.jpy_per_unit as decimal(18, 6)) as jpy_per_unit,
        dates.date_day > spans.valid_from as is_carried_forward
    from dates
    inner join spans
        on
            dates.date_day >= spans.valid_from
            and (dates.date_day < spans.valid_to or spans.valid_to is null)
),

yen as (
    select
        'JPY' as currency,
        date_day,
        cast(1 as decimal(18, 6)) as jpy_per_unit,
        false as is_carried_forward
    from dates
),

final as (
    select * from carried_forward
    union all
    select * from yen
)

select * from final
