{# One row per step (`day` or `month`) from the first to the last date, both in it; to stand in a select list. #}
{% macro date_series(first_date, last_date, step) %}
    {{- return(adapter.dispatch("date_series", "engagement")(first_date, last_date, step)) -}}
{% endmacro %}

{% macro default__date_series(first_date, last_date, step) -%}
    cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 {{ step }})) as date)
{%- endmacro %}

{% macro spark__date_series(first_date, last_date, step) -%}
    explode(sequence({{ first_date }}, {{ last_date }}, interval 1 {{ step }}))
{%- endmacro %}
