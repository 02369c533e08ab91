-- One row per pseudonym that stands for somebody else than in the last build.
with touched as (
    select * from {{ ref('int_touched_aliases') }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

final as (
    select
        touched.alias_pid,
        aliases.customer_key,
        touched.former_customer_key
    from touched
    left join aliases on touched.alias_pid = aliases.alias_pid
    where aliases.customer_key is distinct from touched.former_customer_key
)

select * from final
