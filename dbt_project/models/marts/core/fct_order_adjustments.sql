-- One row per adjustment.
{{ config(materialized='incremental', unique_key=['adjustment_key'], meta={'changed': 'int_changed_adjustments'}) }}
{%- set changed = ref('int_changed_adjustments') %}
with adjustments as (
    select adjustments.*
    from {{ ref('stg_ec__adjustments') }} as adjustments
    {{ where_changed('adjustments', changed, ['connection', 'adjustment_id']) }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

-- Few lines are adjusted: the others need not be joined.
order_lines as (
    select lines_sold.*
    from {{ ref('stg_ec__order_lines') }} as lines_sold
    where {{ is_among('lines_sold', 'adjustments', ['connection', 'order_id', 'line_no']) }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

fx_days as (
    select * from {{ ref('int_fx_days') }}
),

-- Money goes back at the rate it came in at: the order's, where the order is known. What cancels an order that was never counted as a sale must not be taken off the sales a second time; and the cancellation or return of
-- a whole order (its number is the order's and its type) that a newer file has as neither was taken back.
joined as (
    select
        adjustments.*,
        orders.order_key,
        orders.net_amount as order_net_amount,
        case when adjustments.currency = orders.currency then orders.net_jpy end as order_net_jpy,
        coalesce(aliases.customer_key, orders.customer_key) as customer_key,
        coalesce(orders.is_sold, true)
        and not (
            adjustments.type in ('cancel', 'return')
            and adjustments.line_no is null
            and adjustments.adjustment_id = adjustments.order_id || '-' || adjustments.type
            and coalesce(orders.status not in ('cancelled', 'returned'), false)
        ) as is_counted,
        coalesce(order_lines.line_type, 'item') in ('item', 'discount') as is_goods,
        case when adjustments.currency = orders.currency then orders.fx_rate else fx_days.jpy_per_unit end as fx_rate,
        case
            when adjustments.currency = orders.currency then orders.is_fx_carried_forward
            else coalesce(fx_days.is_carried_forward, false)
        end as is_fx_carried_forward
    from adjustments
    left join orders
        on
            adjustments.connection = orders.shop
            and adjustments.order_id = orders.order_id
    left join order_lines
        on
            adjustments.connection = order_lines.connection
            and adjustments.order_id = order_lines.order_id
            and adjustments.line_no = order_lines.line_no
    left join aliases on {{ alias_of('adjustments') }} = aliases.alias_pid
    left join fx_days
        on
            adjustments.currency = fx_days.currency
            and adjustments.business_date = fx_days.date_day
),

running as (
    select
        *,
        sum(case when is_goods then amount else 0 end) over (
            partition by connection, order_key, is_counted
            order by adjusted_at, adjustment_id
            rows between unbounded preceding and current row
        ) as goods_so_far
    from joined
),

-- A refund of a whole order also gives back shipping: the part that is goods is at most what the order's goods came to.
goods as (
    select
        *,
        case when order_key is null then amount else greatest(goods_so_far, -order_net_amount) end as goods_after,
        case
            when order_key is null then 0
            else greatest(goods_so_far - case when is_goods then amount else 0 end, -order_net_amount)
        end as goods_before
    from running
),

-- What is left of an order that came back in full is nothing, in yen as well.
converted as (
    select
        *,
        case
            when goods_after = -order_net_amount and order_net_jpy is not null then -order_net_jpy
            else {{ to_jpy('goods_after', 'fx_rate') }}
        end as goods_after_jpy,
        case
            when goods_before = -order_net_amount and order_net_jpy is not null then -order_net_jpy
            else {{ to_jpy('goods_before', 'fx_rate') }}
        end as goods_before_jpy
    from goods
),

final as (
    select
        -- ids
        {{ key_of(['connection', 'adjustment_id']) }} as adjustment_key,
        connection as shop,
        adjustment_id,
        order_key,
        order_id,
        line_no,
        customer_key,
        {{ key_of(['connection', 'sku']) }} as product_key,
        -- attributes
        type as adjustment_type,
        reason,
        currency,
        -- measures
        quantity,
        amount,
        tax_amount,
        cast(goods_after - goods_before as decimal(18, 4)) as goods_amount,
        fx_rate,
        {{ to_jpy('amount', 'fx_rate') }} as amount_jpy,
        {{ to_jpy('tax_amount', 'fx_rate') }} as tax_jpy,
        cast(goods_after_jpy - goods_before_jpy as decimal(18, 2)) as goods_jpy,
        -- flags
        is_counted,
        fx_rate is null as is_fx_missing,
        is_fx_carried_forward,
        -- dates and timestamps
        business_date,
        adjusted_at
    from converted
)

select * from final
