-- One row per customer.
select customer_key from {{ ref('int_changed_customers') }}
union
select customer_key from {{ ref('int_customer_digests') }}
where is_changed
