-- A returned row is a connection whose facts hold another number of orders, lines or adjustments, or another amount, than its staging.
with staged as (
    select 'orders' as table_name, connection as shop, count(*) as rows_n, cast(0 as decimal(18, 4)) as amount
    from {{ ref('stg_ec__orders') }}
    group by connection
    union all
    select 'order_lines' as table_name, connection as shop, count(*) as rows_n, cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('stg_ec__order_lines') }}
    group by connection
    union all
    select 'adjustments' as table_name, connection as shop, count(*) as rows_n, cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('stg_ec__adjustments') }}
    group by connection
),

modelled as (
    select 'orders' as table_name, shop, count(*) as rows_n, cast(0 as decimal(18, 4)) as amount
    from {{ ref('fct_orders') }}
    group by shop
    union all
    select 'order_lines' as table_name, shop, count(*) as rows_n, cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('fct_order_lines') }}
    group by shop
    union all
    select 'adjustments' as table_name, shop, count(*) as rows_n, cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('fct_order_adjustments') }}
    group by shop
)

select
    staged.table_name,
    staged.shop,
    staged.rows_n as staged_n,
    modelled.rows_n as modelled_n,
    staged.amount as staged_amount,
    modelled.amount as modelled_amount
from staged
left join modelled
    on
        staged.table_name = modelled.table_name
        and staged.shop = modelled.shop
where
    modelled.rows_n is null
    or staged.rows_n <> modelled.rows_n
    or staged.amount <> modelled.amount
