{# A sale: not cancelled, not an unfinished checkout, not a test. Everything said of customers and sales counts these orders alone. #}
{% macro is_sold(status, is_test) -%}
    ({{ status }} not in ('{{ var("unsold_order_statuses") | join("', '") }}') and not {{ is_test }})
{%- endmacro %}

{# The pseudonym a record is looked up by in int_customer_aliases; empty when it names nobody. #}
{% macro alias_of(record, has_phone=true) -%}
    coalesce({{ record }}.customer_pid, {{ record }}.mail_pid{% if has_phone %}, {{ record }}.phone_pid{% endif %})
{%- endmacro %}

{# A line taxed at so many per cent: Japan's reduced rate is 8, its standard rate 10. #}
{% macro is_taxed_at(percent) -%}
    round(tax_rate * 100, 2) = {{ percent }}
{%- endmacro %}

{# Net sales of an order before returns: goods less discounts (which are negative), without tax, shipping, fees and points. #}
{% macro net_amount(gross_amount, discount_amount) -%}
    {{ gross_amount }} + {{ discount_amount }}
{%- endmacro %}

{#
    An amount in yen; empty when the day has no rate. 22 digits, since DuckDB keeps a product of two numbers of 18 at 18: 100 million yen. That
    long a product takes a microsecond to make and to round; what is in yen already only is rounded.
#}
{% macro to_jpy(amount, fx_rate) -%}
    case
        when {{ fx_rate }} = 1 then cast({{ amount }} as decimal(18, 2))
        else cast(cast({{ amount }} as decimal(22, 4)) * {{ fx_rate }} as decimal(18, 2))
    end
{%- endmacro %}

{# Whose an order is, by which pseudonym of them it names, and what its currency was worth on its day. Reads orders, aliases and fx_days. #}
{% macro identified_orders() -%}
    select
        orders.*,
        {{ key_of(['orders.connection', 'orders.order_id']) }} as order_key,
        aliases.customer_key,
        fx_days.jpy_per_unit as fx_rate,
        coalesce(fx_days.is_carried_forward, false) as is_fx_carried_forward
    from orders
    left join aliases on {{ alias_of('orders') }} = aliases.alias_pid
    left join fx_days
        on
            orders.currency = fx_days.currency
            and orders.business_date = fx_days.date_day
{%- endmacro %}
