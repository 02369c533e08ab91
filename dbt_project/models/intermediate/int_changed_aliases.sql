-- One row per pseudonym of a customer.
{%- set before = built_before('int_changed_aliases') %}
with aliases as (
    select * from {{ ref('int_customer_aliases') }}
){{ "," if before }}

{%- if before %}

built as (
    select * from {{ before }}
    where customer_key is not null
)

select
    coalesce(aliases.alias_pid, built.alias_pid) as alias_pid,
    aliases.customer_key,
    (aliases.customer_key is distinct from built.customer_key) as is_changed
from aliases
full outer join built on aliases.alias_pid = built.alias_pid
{%- else %}

select
    alias_pid,
    customer_key,
    true as is_changed
from aliases
{%- endif %}
