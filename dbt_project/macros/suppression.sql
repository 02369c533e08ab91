{#
    Which groups of one parent may not be shown. A group under `min_group_n` persons is hidden; and since a single hidden group is the
    parent less its siblings, the next smallest are hidden with it until at least two groups and `min_group_n` persons are.
    Adds `suppress_reason`: small_group, complement or empty. Groups of nobody hide themselves and protect nobody.
#}
{% macro suppress_siblings(relation, siblings, unit, n) -%}
{%- set window -%}
    partition by {{ siblings | join(", ") }}, {{ n }} > 0 order by {{ n }}, {{ unit }}
{%- endset -%}
select
    ranked.*,
    case
        when {{ n }} < {{ var("min_group_n") }} then 'small_group'
        when smallest_n < {{ var("min_group_n") }} and (size_rank <= 2 or smaller_n < {{ var("min_group_n") }}) then 'complement'
    end as suppress_reason
from (
    select
        groups_of_parent.*,
        row_number() over ({{ window }}) as size_rank,
        min({{ n }}) over (partition by {{ siblings | join(", ") }}, {{ n }} > 0) as smallest_n,
        coalesce(sum({{ n }}) over ({{ window }} rows between unbounded preceding and 1 preceding), 0) as smaller_n
    from {{ relation }} as groups_of_parent
) as ranked
{%- endmacro %}
