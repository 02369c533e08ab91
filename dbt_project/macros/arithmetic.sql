{# A ratio as a floating-point number; empty when there is nothing to divide by. #}
{% macro safe_divide(numerator, denominator) -%}
    cast(({{ numerator }}) as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{# An amount per head or per order: money stays DECIMAL; empty when there is nobody. #}
{% macro money_per(amount, count) -%}
    cast({{ amount }} / nullif({{ count }}, 0) as decimal(18, 4))
{%- endmacro %}

{# A sum that is empty as soon as one of its parts is unknown: a total that leaves something out is not a total. #}
{% macro sum_if_complete(column, type="decimal(18, 2)") -%}
    case when count({{ column }}) = count(*) then cast(coalesce(sum({{ column }}), 0) as {{ type }}) end
{%- endmacro %}

{# How many rows meet a condition, as a whole number. #}
{% macro count_if(condition) -%}
    count(case when {{ condition }} then 1 end)
{%- endmacro %}

{# Last day of the month of a date. #}
{% macro month_end(date_column) -%}
    cast({{ dbt.last_day(date_column, "month") }} as date)
{%- endmacro %}

{# A surrogate key a person can read: the parts joined by a colon. #}
{% macro key_of(parts) -%}
    {{ parts | join(" || ':' || ") }}
{%- endmacro %}

{# A figure made of floating-point numbers: their sum depends on the order the rows come in, its first six decimals do not. #}
{% macro stable(figure) -%}
    round(cast({{ figure }} as double), 6)
{%- endmacro %}

{#
    For each value of a month the share of the month's rows that have less, 0 to 1: what percent_rank() over the month gives, but
    every value is ranked once, not every row. Empty values have no share.
#}
{% macro shares_below(relation, value) -%}
    select
        month_start,
        value,
        coalesce({{ safe_divide('sum(n) over to_value - n', 'sum(n) over of_month - 1') }}, 0) as share
    from (
        select
            month_start,
            {{ value }} as value,
            count(*) as n
        from {{ relation }}
        where {{ value }} is not null
        group by month_start, {{ value }}
    ) as counted
    window
        of_month as (partition by month_start),
        to_value as (partition by month_start order by value rows between unbounded preceding and current row)
{%- endmacro %}

{# Fifth of the rows by the share that has less, 5 = highest; equal values are in the same fifth, so that chance moves nobody. #}
{% macro quintile(share) -%}
    cast(least(1 + floor(5 * {{ share }}), 5) as int)
{%- endmacro %}
