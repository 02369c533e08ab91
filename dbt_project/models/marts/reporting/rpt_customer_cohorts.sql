-- One row per shop (or all) x cohort month x months since.
with sales as (
    select * from {{ ref('int_shop_orders') }}
),

shop_months as (
    select * from {{ ref('int_shop_months') }}
),

members as (
    select
        shop,
        customer_key,
        month_start as cohort_month
    from sales
    where order_number = 1
),

cohorts as (
    select
        shop,
        cohort_month,
        count(*) as customers
    from members
    group by shop, cohort_month
),

activity as (
    select
        members.shop,
        members.cohort_month,
        sales.month_start,
        count(distinct sales.customer_key) as active_customers
    from members
    inner join sales
        on
            members.shop = sales.shop
            and members.customer_key = sales.customer_key
    group by members.shop, members.cohort_month, sales.month_start
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
