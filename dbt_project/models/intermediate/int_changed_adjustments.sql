-- One row per adjustment.
{%- set before = built_before('fct_order_adjustments') %}
{%- set all_adjustments, changed_aliases, changed_orders = (
    ref('stg_ec__adjustments'), ref('int_changed_aliases'), ref('int_changed_orders')
) %}
with landed as (
    select * from {{ ref('stg_ec__changed_adjustments') }}
){{ "," if before }}

{%- if before %}

-- Each with the order it is of, and with the one it was of.
known as (
    select
        connection,
        adjustment_id,
        order_id,
        business_date
    from {{ all_adjustments }}
    union
    select
        shop as connection,
        adjustment_id,
        order_id,
        business_date
    from {{ before }}
),

touched as (
    select
        connection,
        adjustment_id
    from landed
    union
    select
        adjustments.connection,
        adjustments.adjustment_id
    from {{ all_adjustments }} as adjustments
    where
        {{ alias_of('adjustments') }} in (
            select changed_aliases.alias_pid from {{ changed_aliases }} as changed_aliases
        )
),

touched_orders as (
    select
        connection,
        order_id
    from {{ changed_orders }}
    union
    select
        known.connection,
        known.order_id
    from known
    where {{ is_among('known', 'touched', ['connection', 'adjustment_id']) }}
),

-- How much of each is goods is told by all of its order together.
changed as (
    select
        known.connection,
        known.adjustment_id,
        known.business_date
    from known
    where {{ is_among('known', 'touched_orders', ['connection', 'order_id']) }}
    union all
    select
        touched.connection,
        touched.adjustment_id,
        known.business_date
    from touched
    left join known
        on
            touched.connection = known.connection
            and touched.adjustment_id = known.adjustment_id
)
{%- endif %}

select
    {{ key_of(['changed.connection', 'changed.adjustment_id']) }} as adjustment_key,
    changed.connection,
    changed.adjustment_id,
    max({{ 'built.customer_key' if before else 'cast(null as ' ~ dbt.type_string() ~ ')' }}) as former_customer_key,
    min({{ 'changed.business_date' if before else 'cast(null as date)' }}) as first_date
from {{ 'changed' if before else 'landed' }} as changed
{{ "left join " ~ before ~ " as built on changed.connection = built.shop and changed.adjustment_id = built.adjustment_id" if before }}
group by changed.connection, changed.adjustment_id
