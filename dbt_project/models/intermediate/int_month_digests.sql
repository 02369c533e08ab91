-- One row per month of the shops.
with deeds as (
    select * from {{ ref('int_customer_months') }}
),

shop_months as (
    select * from {{ ref('int_shop_months') }}
    where shop = 'all'
),

last_day as (
    select max(business_date) as last_date from {{ ref('int_shop_orders') }}
),

digests as (
    select
        month_start,
        sum({{ row_digest('deeds') }}) as digest
    from deeds
    group by month_start
),

-- A month goes on until its end or the last sale.
final as (
    select
        shop_months.month_start,
        least(shop_months.month_end, last_day.last_date) as as_of_date,
        cast(digests.digest as {{ dbt.type_string() }}) as digest
    from shop_months
    cross join last_day
    left join digests on shop_months.month_start = digests.month_start
)

{{ held_against_last_build('final', 'month_start', ['as_of_date', 'digest']) }}
