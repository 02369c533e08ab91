-- One row per shop (or all) x cohort month x months since.
with shop_months as (
    select * from {{ ref('int_shop_months') }}
),

activity as (
    select
        shop,
        cohort_month,
        month_start,
        count(*) as active_customers
    from {{ ref('int_customer_shop_months') }}
    group by shop, cohort_month, month_start
),

-- All of a cohort bought in its own month.
cohorts as (
    select
        shop,
        cohort_month,
        active_customers as customers
    from activity
    where cohort_month = month_start
),

-- Every month up to the shop's last one has a row: a month nobody came back in is 0, a month that has not come has none.
final as (
    select
        cohorts.shop,
        cohorts.cohort_month,
        cast({{ dbt.datediff('cohorts.cohort_month', 'shop_months.month_start', 'month') }} as int) as months_since,
        shop_months.month_start,
        cohorts.customers,
        coalesce(activity.active_customers, 0) as active_customers,
        {{ safe_divide('coalesce(activity.active_customers, 0)', 'cohorts.customers') }} as retention_rate,
        shop_months.is_complete
    from cohorts
    inner join shop_months
        on
            cohorts.shop = shop_months.shop
            and cohorts.cohort_month <= shop_months.month_start
    left join activity
        on
            cohorts.shop = activity.shop
            and cohorts.cohort_month = activity.cohort_month
            and shop_months.month_start = activity.month_start
)

select * from final
