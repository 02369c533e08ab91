{# Days from the first date to the last; both are dates, of which dbt.datediff would make timestamps first: seven times the CPU. #}
{% macro days_between(first_date, last_date) %}
    {{- return(adapter.dispatch("days_between", "engagement")(first_date, last_date)) -}}
{% endmacro %}

{% macro default__days_between(first_date, last_date) -%}
    ({{ last_date }} - {{ first_date }})
{%- endmacro %}

{% macro spark__days_between(first_date, last_date) -%}
    datediff({{ last_date }}, {{ first_date }})
{%- endmacro %}
