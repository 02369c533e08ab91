{# The last value before this row that is not empty, within the partition and in the given order. #}
{% macro previous_known(column, partition_by, order_by) %}
    {{- return(adapter.dispatch("previous_known", "engagement")(column, partition_by, order_by)) -}}
{% endmacro %}

{% macro default__previous_known(column, partition_by, order_by) -%}
    last_value({{ column }} ignore nulls) over (
        partition by {{ partition_by }} order by {{ order_by }} rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{% macro spark__previous_known(column, partition_by, order_by) -%}
    last_value({{ column }}) ignore nulls over (
        partition by {{ partition_by }} order by {{ order_by }} rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}
