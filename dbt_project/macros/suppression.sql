{#
    Which groups of one parent may not be shown. A group under `minimum` persons is hidden, and so is one of under `uniform_n` persons of whom
    all say the same (`is_uniform`); and since hidden groups together are the parent less its shown ones, the next smallest is hidden with them
    as long as they are fewer than `needed` persons in all (as a rule the minimum; `uniform_n` beside a uniform group).
    Adds `suppress_reason`: small_group, uniform, complement or empty. Groups of nobody hide themselves and protect nobody.
#}
{% macro suppress_siblings(
    relation, siblings, unit, n, minimum=var("min_group_n"), needed=none, is_uniform="false"
) -%}
{%- set needed = needed or minimum -%}
select
    ranked.*,
    case
        when own_reason is not null then own_reason
        when smaller_n > 0 and smaller_n < needed_n then 'complement'
    end as suppress_reason
from (
    select
        judged_alone.*,
        coalesce(sum({{ n }}) over (
            partition by {{ siblings | join(", ") }}
            order by case when own_reason is null then 1 else 0 end, {{ n }}, {{ unit }}
            rows between unbounded preceding and 1 preceding
        ), 0) as smaller_n,
        max(
            case
                when {{ is_uniform }} and {{ n }} < {{ var("uniform_n") }} then greatest({{ var("uniform_n") }}, {{ needed }})
                else {{ needed }}
            end
        ) over (
            partition by {{ siblings | join(", ") }}
        ) as needed_n
    from (
        select
            groups_of_parent.*,
            case
                when {{ n }} < {{ minimum }} then 'small_group'
                when {{ is_uniform }} and {{ n }} < {{ var("uniform_n") }} then 'uniform'
            end as own_reason
        from {{ relation }} as groups_of_parent
    ) as judged_alone
) as ranked
{%- endmacro %}
