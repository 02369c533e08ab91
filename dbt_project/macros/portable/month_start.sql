{# First day of the month of a date, by its day of the month: DuckDB's date_trunc makes a timestamp of it and takes twice the CPU. #}
{% macro month_start(date_column) %}{{ return(adapter.dispatch("month_start", "engagement")(date_column)) }}{% endmacro %}

{% macro default__month_start(date_column) -%}
    ({{ date_column }} - cast(extract(day from {{ date_column }}) as int) + 1)
{%- endmacro %}

{% macro spark__month_start(date_column) -%}
    cast(trunc({{ date_column }}, 'month') as date)
{%- endmacro %}
