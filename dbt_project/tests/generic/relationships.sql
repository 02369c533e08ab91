{#
    A returned row is a value that the other table does not have; an empty one is accepted.
#}
{% test relationships(model, column_name, to, field) %}
with child as (
    {%- for condition in conditions_of_relationship("tested", column_name, to, field) %}
    select tested.{{ column_name }} as from_field
    from {{ model }} as tested
    where tested.{{ column_name }} is not null and {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select child.from_field
from child
left join {{ to }} as parent on child.from_field = parent.{{ field }}
where parent.{{ field }} is null
{% endtest %}
