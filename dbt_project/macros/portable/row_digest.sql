{# A number that stands for the content of a row; the sum of them for that of a table. #}
{% macro row_digest(row) %}
    {{- return(adapter.dispatch("row_digest", "engagement")(row)) -}}
{% endmacro %}

{% macro default__row_digest(row) -%}
    cast(hash({{ row }}) as hugeint)
{%- endmacro %}

{% macro spark__row_digest(row) -%}
    cast(xxhash64(to_json(struct({{ row }}.*))) as decimal(38, 0))
{%- endmacro %}
