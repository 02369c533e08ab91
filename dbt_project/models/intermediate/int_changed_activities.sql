-- One row per customer.
with digests as (
    select * from {{ ref('int_customer_digests') }}
    where is_changed
),

changed_aliases as (
    select * from {{ ref('int_changed_aliases') }}
),

changed_points as (
    select * from {{ ref('stg_ec__changed_points') }}
),

-- By what the points are looked up now, and were in the last build.
spenders as (
    select {{ alias_of('points', has_phone=false) }} as alias_pid
    from {{ ref('stg_ec__points') }} as points
    where {{ is_among('points', 'changed_points', ['connection', 'transaction_id']) }}
    union
    select coalesce(former_customer_pid, former_mail_pid) as alias_pid
    from changed_points
),

changed as (
    select customer_key from digests
    union
    select customer_key from changed_aliases
    union
    select former_customer_key as customer_key from changed_aliases
    union
    select aliases.customer_key
    from {{ ref('int_customer_aliases') }} as aliases
    where aliases.alias_pid in (select spenders.alias_pid from spenders)
)

select * from changed
where customer_key is not null
