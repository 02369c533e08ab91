-- One row per shop (or all) x month.
with orders as (
    select * from {{ ref('fct_orders') }}
),

adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

happenings as (
    select
        shop,
        currency,
        business_date,
        is_sold as is_start
    from orders
    union all
    select
        shop,
        currency,
        business_date,
        false as is_start
    from adjustments
),

scoped as (
    select * from happenings
    union all
    select
        'all' as shop,
        currency,
        business_date,
        is_start
    from happenings
),

bounds as (
    select
        shop,
        case when min(currency) = max(currency) then min(currency) end as currency,
        min(case when is_start then business_date end) as first_date,
        max(business_date) as last_date
    from scoped
    group by shop
),

months as (
    select
        shop,
        currency,
        last_date,
        {{ date_series(month_start('first_date'), month_start('last_date'), 'month') }} as month_start
    from bounds
    where first_date is not null
),

final as (
    select
        shop,
        currency,
        month_start,
        {{ month_end('month_start') }} as month_end,
        {{ month_end('month_start') }} <= last_date as is_complete
    from months
)

select * from final
