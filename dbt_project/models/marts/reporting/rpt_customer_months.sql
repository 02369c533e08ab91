-- One row per shop (or all) x month.
with shop_months as (
    select * from {{ ref('int_shop_months') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

sales_months as (
    select * from {{ ref('int_shop_month_sales') }}
),

known_until as (
    select
        shop,
        max(business_date) as last_date
    from {{ ref('int_customer_lapses') }}
    group by shop
),

-- Before the day itself nobody knows.
losses_of_month as (
    select
        lapses.shop,
        {{ month_start('lapses.lost_date') }} as month_start,
        count(distinct lapses.customer_key) as lost_customers
    from {{ ref('int_customer_lapses') }} as lapses
    inner join known_until
        on
            lapses.shop = known_until.shop
            and lapses.lost_date <= known_until.last_date
    group by lapses.shop, {{ month_start('lapses.lost_date') }}
),

returns_by_scope as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        customer_key is not null as is_identified,
        {{ month_start('business_date') }} as month_start,
        goods_amount,
        goods_jpy
    from adjustments
    where is_counted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

returns_of_month as (
    select
        shop,
        month_start,
        is_identified,
        sum(goods_amount) as returns,
        {{ sum_if_complete('goods_jpy') }} as returns_jpy
    from returns_by_scope
    group by shop, month_start, is_identified
),

unidentified_by_scope as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        {{ month_start('business_date') }} as month_start,
        net_amount,
        net_jpy
    from orders
    where is_sold and customer_key is null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

unidentified_of_month as (
    select
        shop,
        month_start,
        count(*) as orders,
        sum(net_amount) as net_sales,
        {{ sum_if_complete('net_jpy') }} as net_sales_jpy
    from unidentified_by_scope
    group by shop, month_start
),

-- A month of the shop without sales is 0; an amount in yen whose rate is missing is empty, and so is every sum that needs it.
months as (
    select
        shop_months.shop,
        shop_months.month_start,
        shop_months.currency,
        shop_months.is_complete,
        {%- for name in [
            "active_customers", "repeat_customers", "paying_customers", "new_customers", "orders", "units", "second_orders", "second_days",
            "repeat_purchases", "regained_customers",
        ] %}
        coalesce(sales_months.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        sales_months.median_interval_days,
        coalesce(losses_of_month.lost_customers, 0) as lost_customers,
        coalesce(unidentified_of_month.orders, 0) as unidentified_orders,
        {%- for name in ["gross_sales", "discounts"] %}
        case when shop_months.currency is not null then coalesce(sales_months.{{ name }}, 0) end as {{ name }},
        case when sales_months.shop is null then 0 else sales_months.{{ name }}_jpy end as {{ name }}_jpy,
        {%- endfor %}
        case when shop_months.currency is not null then coalesce(returns_known.returns, 0) end as returns,
        case when returns_known.shop is null then 0 else returns_known.returns_jpy end as returns_jpy,
        case
            when shop_months.currency is not null
                then coalesce(unidentified_of_month.net_sales, 0) + coalesce(returns_unknown.returns, 0)
        end as unidentified_net_sales,
        case when unidentified_of_month.shop is null then 0 else unidentified_of_month.net_sales_jpy end
        + case when returns_unknown.shop is null then 0 else returns_unknown.returns_jpy end as unidentified_net_sales_jpy
    from shop_months
    left join sales_months
        on
            shop_months.shop = sales_months.shop
            and shop_months.month_start = sales_months.month_start
    left join losses_of_month
        on
            shop_months.shop = losses_of_month.shop
            and shop_months.month_start = losses_of_month.month_start
    left join unidentified_of_month
        on
            shop_months.shop = unidentified_of_month.shop
            and shop_months.month_start = unidentified_of_month.month_start
    left join returns_of_month as returns_known
        on
            shop_months.shop = returns_known.shop
            and shop_months.month_start = returns_known.month_start
            and returns_known.is_identified
    left join returns_of_month as returns_unknown
        on
            shop_months.shop = returns_unknown.shop
            and shop_months.month_start = returns_unknown.month_start
            and not returns_unknown.is_identified
),

totals as (
    select
        *,
        {%- for name, running in [
            ("new_customers", "customers_to_date"),
            ("second_days", "repeat_customers_by_day"),
            ("second_orders", "repeat_customers_by_order"),
            ("repeat_purchases", "repeat_purchases_to_date"),
            ("orders", "orders_to_date"),
        ] %}
        cast(sum({{ name }}) over (
            partition by shop order by month_start rows between unbounded preceding and current row
        ) as bigint) as {{ running }},
        {%- endfor %}
        cast(gross_sales + discounts + returns as decimal(18, 4)) as net_sales,
        cast(gross_sales_jpy + discounts_jpy + returns_jpy as decimal(18, 2)) as net_sales_jpy
    from months
),

-- How much the sales of 12 months swing around their mean; only of 12 whole months.
swings as (
    select
        *,
        case
            when
                count(net_sales_jpy) over a_year = 12
                and sum(case when is_complete then 1 else 0 end) over a_year = 12
                then {{ safe_divide('stddev_samp(cast(net_sales_jpy as double)) over a_year', 'avg(net_sales_jpy) over a_year') }}
        end as net_sales_cv_12m
    from totals
    window a_year as (partition by shop order by month_start rows between 11 preceding and current row)
),

final as (
    select
        -- ids
        shop,
        month_start,
        -- attributes
        currency,
        -- measures: customers and orders
        active_customers,
        new_customers,
        active_customers - new_customers as returning_customers,
        repeat_customers,
        paying_customers,
        lost_customers,
        regained_customers,
        orders,
        units,
        unidentified_orders,
        -- measures: sales in the shop's currency
        cast(gross_sales as decimal(18, 2)) as gross_sales,
        cast(discounts as decimal(18, 2)) as discounts,
        cast(returns as decimal(18, 2)) as returns,
        cast(net_sales as decimal(18, 2)) as net_sales,
        cast(unidentified_net_sales as decimal(18, 2)) as unidentified_net_sales,
        {{ money_per('net_sales', 'orders') }} as aov,
        {{ money_per('net_sales', 'active_customers') }} as arpu,
        {{ money_per('net_sales', 'paying_customers') }} as arppu,
        -- measures: sales in yen
        cast(gross_sales_jpy as decimal(18, 2)) as gross_sales_jpy,
        cast(discounts_jpy as decimal(18, 2)) as discounts_jpy,
        cast(returns_jpy as decimal(18, 2)) as returns_jpy,
        net_sales_jpy,
        cast(unidentified_net_sales_jpy as decimal(18, 2)) as unidentified_net_sales_jpy,
        {{ money_per('net_sales_jpy', 'orders') }} as aov_jpy,
        {{ money_per('net_sales_jpy', 'active_customers') }} as arpu_jpy,
        {{ money_per('net_sales_jpy', 'paying_customers') }} as arppu_jpy,
        {{ stable('net_sales_cv_12m') }} as net_sales_cv_12m,
        -- measures: loyalty
        {{ safe_divide('orders', 'active_customers') }} as frequency,
        median_interval_days,
        customers_to_date,
        orders_to_date,
        repeat_customers_by_day,
        repeat_customers_by_order,
        repeat_purchases_to_date,
        {{ safe_divide('repeat_customers_by_day', 'customers_to_date') }} as repeat_rate_to_date,
        {{ safe_divide('repeat_customers_by_order', 'customers_to_date') }} as repeat_rate_by_order_to_date,
        -- flags
        net_sales_jpy is null or unidentified_net_sales_jpy is null as is_fx_missing,
        is_complete
    from swings
)

select * from final
