-- One row per customer.
with changed_orders as (
    select * from {{ ref('int_changed_orders') }}
),

final as (
    select customer_key from changed_orders
    union
    select former_customer_key as customer_key from changed_orders
)

select * from final
where customer_key is not null
