{# The first `level` parts of a path joined by `/`. #}
{% macro path_prefix(path, level) %}{{ return(adapter.dispatch("path_prefix", "engagement")(path, level)) }}{% endmacro %}

{% macro default__path_prefix(path, level) -%}
    array_to_string(list_slice(string_split({{ path }}, '/'), 1, {{ level }}), '/')
{%- endmacro %}

{% macro spark__path_prefix(path, level) -%}
    array_join(slice(split({{ path }}, '/'), 1, {{ level }}), '/')
{%- endmacro %}

{# How many parts a path has. #}
{% macro path_depth(path) -%}
    length({{ path }}) - length(replace({{ path }}, '/', '')) + 1
{%- endmacro %}
