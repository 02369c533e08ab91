-- One row per pseudonym of a customer.
with aliases as (
    select * from {{ ref('int_customer_aliases') }}
)

{{ held_against_last_build('aliases', 'alias_pid', ['customer_key']) }}
