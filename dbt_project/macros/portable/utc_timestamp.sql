{# The landed instant as a plain timestamp that reads as UTC, so that no later SQL depends on a session's time zone. #}
{% macro utc_timestamp(column) %}{{ return(adapter.dispatch("utc_timestamp", "engagement")(column)) }}{% endmacro %}

{% macro default__utc_timestamp(column) %}timezone('UTC', {{ column }}){% endmacro %}

{% macro spark__utc_timestamp(column) %}{{ column }}{% endmacro %}
