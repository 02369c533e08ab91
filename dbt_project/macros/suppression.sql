{# Why a figure of employees is hidden: the reason of the row of int_employee_disclosures joined as `disclosures`; no row, no figure. #}
{% macro why_suppressed(disclosures) -%}
    case when {{ disclosures }}.is_suppressed = false then null else coalesce({{ disclosures }}.suppress_reason, 'not_cleared') end
{%- endmacro %}

{#
    Which segments of customers may not be shown. A segment under `minimum` persons is hidden; and since hidden segments together are everybody
    less the shown ones, the next smallest is hidden with them as long as they are fewer than `needed` persons in all. (Employees: see
    pipelines/privacy.) Adds `suppress_reason`: small_group, complement or empty. Segments of nobody hide themselves and protect nobody.
#}
{% macro suppress_siblings(relation, siblings, unit, n, minimum, needed) -%}
select
    ranked.*,
    case
        when {{ n }} < {{ minimum }} then 'small_group'
        when smaller_n > 0 and smaller_n < {{ needed }} then 'complement'
    end as suppress_reason
from (
    select
        groups_of_parent.*,
        coalesce(sum({{ n }}) over (
            partition by {{ siblings | join(", ") }}
            order by case when {{ n }} < {{ minimum }} then 0 else 1 end, {{ n }}, {{ unit }}
            rows between unbounded preceding and 1 preceding
        ), 0) as smaller_n
    from {{ relation }} as groups_of_parent
) as ranked
{%- endmacro %}
