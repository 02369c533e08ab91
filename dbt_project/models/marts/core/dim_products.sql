-- One row per product.
with products as (
    select * from {{ ref('stg_ec__products') }}
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

sold as (
    select
        product_key,
        shop,
        sku,
        max(product_name) as product_name,
        min(business_date) as first_sold_date,
        max(business_date) as last_sold_date
    from order_lines
    where line_type = 'item' and sku is not null
    group by product_key, shop, sku
),

listed as (
    select
        {{ key_of(['connection', 'sku']) }} as product_key,
        connection as shop,
        sku,
        name,
        category
    from products
),

-- A product the shop does not list any more is known from its order lines.
final as (
    select
        coalesce(listed.product_key, sold.product_key) as product_key,
        coalesce(listed.shop, sold.shop) as shop,
        coalesce(listed.sku, sold.sku) as sku,
        coalesce(listed.name, sold.product_name) as name,
        listed.category,
        sold.first_sold_date,
        sold.last_sold_date
    from listed
    full outer join sold on listed.product_key = sold.product_key
)

select * from final
