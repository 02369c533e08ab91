-- One row per pseudonym of a customer.
with customer_numbers as (
    select * from {{ ref('int_customer_numbers') }}
),

customers as (
    select * from {{ ref('stg_ec__customers') }}
),

orders as (
    select * from {{ ref('stg_ec__orders') }}
),

adjustments as (
    select * from {{ ref('stg_ec__adjustments') }}
),

-- A mail address stands for itself, whatever number uses it.
aliases as (
    select
        customer_pid as alias_pid,
        customer_key
    from customer_numbers
    union all
    select
        customers.social_pid as alias_pid,
        customer_numbers.customer_key
    from customers
    inner join customer_numbers
        on
            customers.connection = customer_numbers.connection
            and customers.customer_pid = customer_numbers.customer_pid
    {%- for relation in ["customers", "orders", "adjustments"] %}
    union all
    select
        mail_pid as alias_pid,
        mail_pid as customer_key
    from {{ relation }}
    {%- endfor %}
),

final as (
    select
        alias_pid,
        min(customer_key) as customer_key
    from aliases
    where alias_pid is not null
    group by alias_pid
)

select * from final
