-- A returned row is a connection whose facts hold another number of orders, lines or adjustments, or another amount, than its staging.
{%- set facts = [
    ("stg_ec__orders", "fct_orders", "total_amount"),
    ("stg_ec__order_lines", "fct_order_lines", "amount"),
    ("stg_ec__adjustments", "fct_order_adjustments", "amount"),
] %}
with staged as (
    {%- for staging, fact, amount in facts %}
    select
        '{{ fact }}' as fact,
        connection as shop,
        count(*) as rows_n,
        coalesce(sum({{ amount }}), 0) as amount
    from {{ ref(staging) }}
    group by connection
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

modelled as (
    {%- for staging, fact, amount in facts %}
    select
        '{{ fact }}' as fact,
        shop,
        count(*) as rows_n,
        coalesce(sum({{ amount }}), 0) as amount
    from {{ ref(fact) }}
    group by shop
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    coalesce(staged.fact, modelled.fact) as fact,
    coalesce(staged.shop, modelled.shop) as shop,
    staged.rows_n as staged_n,
    modelled.rows_n as modelled_n,
    staged.amount as staged_amount,
    modelled.amount as modelled_amount
from staged
full outer join modelled
    on
        staged.fact = modelled.fact
        and staged.shop = modelled.shop
where
    staged.rows_n is null
    or modelled.rows_n is null
    or staged.rows_n <> modelled.rows_n
    or staged.amount <> modelled.amount
