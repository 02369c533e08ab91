{# A sale: not cancelled, not an unfinished checkout, not a test. Everything said of customers and sales counts these orders alone. #}
{% macro is_sold(status, is_test) -%}
    ({{ status }} not in ('{{ var("unsold_order_statuses") | join("', '") }}') and not {{ is_test }})
{%- endmacro %}

{#
    One person over all shops: the mail address the customer number is known by, else the mail address on the row itself, else the number
    within its shop. Empty when the row names nobody.
#}
{% macro customer_key(mail_of_number, mail_pid, connection, customer_pid) -%}
    coalesce({{ mail_of_number }}, {{ mail_pid }}, {{ key_of([connection, customer_pid]) }})
{%- endmacro %}

{# Net sales of an order before returns: goods less discounts (which are negative), without tax, shipping, fees and points. #}
{% macro net_amount(gross_amount, discount_amount) -%}
    {{ gross_amount }} + {{ discount_amount }}
{%- endmacro %}

{# An amount in yen; empty when the day has no rate. 22 digits, since DuckDB keeps a product of two numbers of 18 at 18: 100 million yen. #}
{% macro to_jpy(amount, fx_rate) -%}
    cast(cast({{ amount }} as decimal(22, 4)) * {{ fx_rate }} as decimal(18, 2))
{%- endmacro %}
