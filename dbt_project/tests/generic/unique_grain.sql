{#
    A returned row is a key that occurs more than once, or that has an empty part.
#}
{% test unique_grain(model, columns) %}
select
    {{ columns | join(", ") }},
    count(*) as rows_n
from {{ model }} as tested
{{ where_grain_built_anew("tested", columns) }}
group by {{ columns | join(", ") }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
