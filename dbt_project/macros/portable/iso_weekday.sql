{# Monday is 1, Sunday is 7. #}
{% macro iso_weekday(date_column) %}{{ return(adapter.dispatch("iso_weekday", "engagement")(date_column)) }}{% endmacro %}

{% macro default__iso_weekday(date_column) %}extract(isodow from {{ date_column }}){% endmacro %}

{% macro spark__iso_weekday(date_column) %}weekday({{ date_column }}) + 1{% endmacro %}
