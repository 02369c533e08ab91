{#
    Which groups of one parent may not be shown. A group under `min_group_n` persons is hidden; and since hidden groups together are the
    parent less its shown ones, the next smallest is hidden with them as long as they are fewer than `min_group_n` persons in all.
    Adds `suppress_reason`: small_group, complement or empty. Groups of nobody hide themselves and protect nobody.
#}
{% macro suppress_siblings(relation, siblings, unit, n) -%}
select
    ranked.*,
    case
        when {{ n }} < {{ var("min_group_n") }} then 'small_group'
        when smaller_n > 0 and smaller_n < {{ var("min_group_n") }} then 'complement'
    end as suppress_reason
from (
    select
        groups_of_parent.*,
        coalesce(sum({{ n }}) over (
            partition by {{ siblings | join(", ") }} order by {{ n }}, {{ unit }} rows between unbounded preceding and 1 preceding
        ), 0) as smaller_n
    from {{ relation }} as groups_of_parent
) as ranked
{%- endmacro %}
