-- One row per shop (or all) x month with sales.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_sales_months'}) }}
{%- set changed = ref('int_changed_sales_months') %}
with active_in_month as (
    select
        bought.shop,
        bought.month_start,
        count(*) as active_customers,
        {{ count_if('bought.day_number > 1') }} as repeat_customers,
        {{ count_if('bought.largest_net_amount > 0') }} as paying_customers
    from {{ ref('int_customer_shop_months') }} as bought
    {{ where_changed('bought', changed, ['month_start']) }}
    group by bought.shop, bought.month_start
),

sales_of_month as (
    select
        sales.shop,
        sales.month_start,
        count(*) as orders,
        cast(sum(cast(sales.units as decimal(18, 4))) as double) as units,
        sum(sales.gross_amount) as gross_sales,
        sum(sales.discount_amount) as discounts,
        {{ sum_if_complete('sales.gross_jpy') }} as gross_sales_jpy,
        {{ sum_if_complete('sales.discount_jpy') }} as discounts_jpy,
        {{ count_if('sales.order_number = 1') }} as new_customers,
        {{ count_if('sales.order_number = 2') }} as second_orders
    from {{ ref('int_shop_orders') }} as sales
    {{ where_changed('sales', changed, ['month_start']) }}
    group by sales.shop, sales.month_start
),

buying_days as (
    select
        shop,
        customer_key,
        day_number,
        days_since_previous,
        is_regained,
        {{ month_start('business_date') }} as month_start
    from {{ ref('int_customer_lapses') }}
),

buying_days_of_month as (
    select
        buying_days.shop,
        buying_days.month_start,
        {{ count_if('buying_days.day_number = 2') }} as second_days,
        {{ count_if('buying_days.day_number > 1') }} as repeat_purchases,
        cast(median(buying_days.days_since_previous) as double) as median_interval_days,
        count(distinct case when buying_days.is_regained then buying_days.customer_key end) as regained_customers
    from buying_days
    {{ where_changed('buying_days', changed, ['month_start']) }}
    group by buying_days.shop, buying_days.month_start
),

final as (
    select
        -- ids
        sales_of_month.shop,
        sales_of_month.month_start,
        -- measures: customers
        active_in_month.active_customers,
        active_in_month.repeat_customers,
        active_in_month.paying_customers,
        sales_of_month.new_customers,
        sales_of_month.second_orders,
        buying_days_of_month.second_days,
        buying_days_of_month.repeat_purchases,
        buying_days_of_month.regained_customers,
        buying_days_of_month.median_interval_days,
        -- measures: sales
        sales_of_month.orders,
        sales_of_month.units,
        cast(sales_of_month.gross_sales as decimal(18, 4)) as gross_sales,
        cast(sales_of_month.discounts as decimal(18, 4)) as discounts,
        sales_of_month.gross_sales_jpy,
        sales_of_month.discounts_jpy
    from sales_of_month
    inner join active_in_month
        on
            sales_of_month.shop = active_in_month.shop
            and sales_of_month.month_start = active_in_month.month_start
    inner join buying_days_of_month
        on
            sales_of_month.shop = buying_days_of_month.shop
            and sales_of_month.month_start = buying_days_of_month.month_start
)

select * from final
