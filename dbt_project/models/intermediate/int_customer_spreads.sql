-- One row per shop (or all) x month in which customers bought or sent something back.
{{ config(materialized='incremental', unique_key=['month_start'], meta={'changed': 'int_changed_sales_months'}) }}
{%- set changed = ref('int_changed_sales_months') %}
{%- set per_customer = [("arpu_jpy", "net_jpy", "active_n"), ("aov_jpy", "net_jpy", "orders"), ("purchase_frequency", "orders", "active_n")] %}
with bought as (
    select bought.*
    from {{ ref('int_customer_shop_months') }} as bought
    {{ where_changed('bought', changed, ['month_start']) }}
),

dated as (
    select
        shop,
        customer_key,
        goods_jpy,
        {{ month_start('business_date') }} as month_start
    from {{ ref('fct_order_adjustments') }}
    where is_counted and customer_key is not null
),

adjustments as (
    select dated.*
    from dated
    {{ where_changed('dated', changed, ['month_start']) }}
),

returns as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        month_start,
        customer_key,
        {{ sum_if_complete('goods_jpy') }} as net_jpy
    from adjustments
    group by {{ "shop, " if scope == "shop" }}month_start, customer_key
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Who only sends something back in a month lowers the sum, and is no active customer of it.
customers as (
    select
        coalesce(bought.shop, returns.shop) as shop,
        coalesce(bought.month_start, returns.month_start) as month_start,
        case when bought.customer_key is null then 0 else bought.net_jpy end
        + case when returns.customer_key is null then 0 else returns.net_jpy end as net_jpy,
        coalesce(bought.orders, 0) as orders,
        case when bought.orders > 0 then 1 else 0 end as active_n
    from bought
    full outer join returns
        on
            bought.shop = returns.shop
            and bought.month_start = returns.month_start
            and bought.customer_key = returns.customer_key
),

sums as (
    select
        shop,
        month_start,
        count(*) as parts_n,
        {{ sum_if_complete('net_jpy') }} as net_jpy,
        cast(sum(orders) as bigint) as orders,
        cast(sum(active_n) as bigint) as active_n
    from customers
    group by shop, month_start
),

-- All three metrics of the customers in one look at them: there are millions.
squares as (
    select
        {%- for metric_code, numerator, denominator in per_customer %}
        sum(
            power(
                cast(customers.{{ numerator }} as double)
                - {{ safe_divide('sums.' ~ numerator, 'sums.' ~ denominator) }} * customers.{{ denominator }}, 2
            )
        ) as {{ metric_code }},
        {%- endfor %}
        customers.shop,
        customers.month_start
    from customers
    inner join sums
        on
            customers.shop = sums.shop
            and customers.month_start = sums.month_start
    group by customers.shop, customers.month_start
),

-- To nine decimals, as the last digits of such sums depend on the order of the rows.
final as (
    select
        {%- for metric_code, numerator, denominator in per_customer %}
        round(
            sqrt(squares.{{ metric_code }} * sums.parts_n / nullif(sums.parts_n - 1, 0)) / nullif(sums.{{ denominator }}, 0), 9
        ) as {{ metric_code }}_error,
        {%- endfor %}
        sums.shop,
        sums.month_start,
        sums.parts_n,
        sums.net_jpy,
        sums.orders,
        sums.active_n
    from sums
    inner join squares
        on
            sums.shop = squares.shop
            and sums.month_start = squares.month_start
)

select * from final
