{# A month as `YYYY-MM`. #}
{% macro month_name(date_column) %}{{ return(adapter.dispatch("month_name", "engagement")(date_column)) }}{% endmacro %}

{% macro default__month_name(date_column) %}strftime({{ date_column }}, '%Y-%m'){% endmacro %}

{% macro spark__month_name(date_column) %}date_format({{ date_column }}, 'yyyy-MM'){% endmacro %}
