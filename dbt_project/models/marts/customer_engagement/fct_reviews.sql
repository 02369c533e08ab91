-- One row per review.
with reviews as (
    select * from {{ ref('stg_ec__reviews') }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

final as (
    select
        -- ids
        {{ key_of(['reviews.connection', 'reviews.review_id']) }} as review_key,
        reviews.shop,
        aliases.customer_key,
        {{ key_of(['reviews.shop', 'reviews.sku']) }} as product_key,
        {{ key_of(['reviews.shop', 'reviews.order_id']) }} as order_key,
        -- attributes
        reviews.disclosure,
        reviews.polarity_source,
        -- measures
        reviews.rating,
        reviews.polarity,
        reviews.text_length,
        -- flags
        reviews.is_verified,
        reviews.is_incentivised,
        -- dates and timestamps
        reviews.business_date,
        reviews.reviewed_at
    from reviews
    left join aliases on {{ alias_of('reviews', has_phone=false) }} = aliases.alias_pid
)

select * from final
