-- One row per shop (or all) x day.
{%- set sums = [
    "gross", "discount", "points_used", "shipping", "fee", "tax", "taxable_8", "tax_8", "taxable_10", "tax_10"
] %}
with adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

-- Of each shop first: of what is missing on a day in one, there is no sum of all either.
sales_of_shops as (
    select
        shop,
        business_date,
        {%- for name in sums %}
        {{ sum_if_complete(name ~ '_jpy') }} as {{ name }}_jpy,
        {%- endfor %}
        count(*) as orders
    from {{ ref('fct_orders') }}
    where is_sold
    group by shop, business_date
),

sales_of_day as (
    select * from sales_of_shops
    union all
    select
        'all' as shop,
        business_date,
        {%- for name in sums %}
        {{ sum_if_complete(name ~ '_jpy') }} as {{ name }}_jpy,
        {%- endfor %}
        sum(orders) as orders
    from sales_of_shops
    group by business_date
),

returns_by_scope as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        business_date,
        goods_jpy
    from adjustments
    where is_counted
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

returns_of_day as (
    select
        shop,
        business_date,
        {{ sum_if_complete('goods_jpy') }} as returns_jpy
    from returns_by_scope
    group by shop, business_date
),

happenings as (
    select
        shop,
        business_date
    from sales_of_day
    union all
    select
        shop,
        business_date
    from returns_of_day
),

bounds as (
    select
        shop,
        min(business_date) as first_date,
        max(business_date) as last_date
    from happenings
    group by shop
),

-- A day on which nothing happened is 0; a day with an amount whose exchange rate is missing has no sum in yen.
days as (
    select
        bounds.shop,
        dates.date_day,
        dates.same_weekday_last_year,
        coalesce(sales_of_day.orders, 0) as orders,
        {%- for name in sums %}
        case when sales_of_day.shop is null then 0 else sales_of_day.{{ name }}_jpy end as {{ name }}_jpy,
        {%- endfor %}
        case when returns_of_day.shop is null then 0 else returns_of_day.returns_jpy end as returns_jpy
    from bounds
    inner join dates on dates.date_day between bounds.first_date and bounds.last_date
    left join sales_of_day
        on
            bounds.shop = sales_of_day.shop
            and dates.date_day = sales_of_day.business_date
    left join returns_of_day
        on
            bounds.shop = returns_of_day.shop
            and dates.date_day = returns_of_day.business_date
),

netted as (
    select
        *,
        cast(gross_jpy + discount_jpy + returns_jpy as decimal(18, 2)) as net_sales_jpy
    from days
),

final as (
    select
        -- ids
        netted.shop,
        netted.date_day,
        -- measures
        cast(netted.orders as bigint) as orders,
        cast(netted.gross_jpy as decimal(18, 2)) as gross_sales_jpy,
        cast(netted.discount_jpy as decimal(18, 2)) as discounts_jpy,
        cast(netted.returns_jpy as decimal(18, 2)) as returns_jpy,
        netted.net_sales_jpy,
        cast(netted.points_used_jpy as decimal(18, 2)) as points_used_jpy,
        cast(netted.shipping_jpy as decimal(18, 2)) as shipping_jpy,
        cast(netted.fee_jpy as decimal(18, 2)) as fees_jpy,
        cast(netted.tax_jpy as decimal(18, 2)) as tax_jpy,
        {%- for name in ["taxable_8", "tax_8", "taxable_10", "tax_10"] %}
        cast(netted.{{ name }}_jpy as decimal(18, 2)) as {{ name }}_jpy,
        {%- endfor %}
        year_before.net_sales_jpy as net_sales_same_weekday_last_year_jpy,
        cast(netted.net_sales_jpy - year_before.net_sales_jpy as decimal(18, 2)) as net_sales_change_jpy,
        -- flags
        netted.net_sales_jpy is null as is_fx_missing
    from netted
    left join netted as year_before
        on
            netted.shop = year_before.shop
            and netted.same_weekday_last_year = year_before.date_day
)

select * from final
