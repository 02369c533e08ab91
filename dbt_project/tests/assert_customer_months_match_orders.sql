-- A returned row is a shop (or all) whose months do not add up to its orders: in number, or in goods in yen.
with months as (
    select
        shop,
        sum(orders + unidentified_orders) as orders_n,
        sum(gross_sales_jpy + discounts_jpy) as net_jpy
    from {{ ref('rpt_customer_months') }}
    where not is_fx_missing
    group by shop
),

scoped as (
    select shop, month_start, customer_key, net_jpy
    from (
        select shop, {{ month_start('business_date') }} as month_start, customer_key, net_jpy
        from {{ ref('fct_orders') }}
        where is_sold
        union all
        select 'all' as shop, {{ month_start('business_date') }} as month_start, customer_key, net_jpy
        from {{ ref('fct_orders') }}
        where is_sold
    ) as both_scopes
),

orders as (
    select
        scoped.shop,
        count(*) as orders_n,
        sum(case when scoped.customer_key is not null then scoped.net_jpy else 0 end) as net_jpy
    from scoped
    inner join {{ ref('rpt_customer_months') }} as known_months
        on
            scoped.shop = known_months.shop
            and scoped.month_start = known_months.month_start
            and not known_months.is_fx_missing
    group by scoped.shop
)

select
    months.shop,
    months.orders_n as orders_in_months,
    orders.orders_n as orders_in_fact,
    months.net_jpy as sales_in_months,
    orders.net_jpy as sales_in_fact
from months
inner join orders on months.shop = orders.shop
where
    months.orders_n <> orders.orders_n
    or months.net_jpy <> orders.net_jpy
