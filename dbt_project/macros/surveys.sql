{# The answer as it counts: on a reversed item a high code means a low score, so the scale is turned round. #}
{% macro turned_value(value, is_reversed, scale_min, scale_max) -%}
    case when {{ is_reversed }} then {{ scale_min }} + {{ scale_max }} - {{ value }} else {{ value }} end
{%- endmacro %}

{# A value on its scale as 0-100; empty when the scale is not stated. #}
{% macro score_100(value, scale_min, scale_max) -%}
    100 * ({{ value }} - {{ scale_min }}) / nullif({{ scale_max }} - {{ scale_min }}, 0)
{%- endmacro %}

{#
    favourable, neutral or unfavourable. NPS: promoter, passive, detractor by the survey's cut points. Else favourable from the question's
    own limit up, unfavourable from its mirror image on the scale down; empty when the question states no limit.
#}
{% macro favour(kind, turned, promoter_min, detractor_max, favourable_min, scale_min, scale_max) -%}
    case
        when {{ turned }} is null then null
        when {{ kind }} = 'nps' and {{ turned }} >= {{ promoter_min }} then 'favourable'
        when {{ kind }} = 'nps' and {{ turned }} <= {{ detractor_max }} then 'unfavourable'
        when {{ kind }} = 'nps' then 'neutral'
        when {{ turned }} >= {{ favourable_min }} then 'favourable'
        when {{ turned }} <= {{ scale_min }} + {{ scale_max }} - {{ favourable_min }} then 'unfavourable'
        when {{ favourable_min }} is not null then 'neutral'
    end
{%- endmacro %}

{# Net Promoter Score of n persons, -100 to 100. #}
{% macro nps(promoters, detractors, n) -%}
    100 * ({{ safe_divide(promoters ~ ' - ' ~ detractors, n) }})
{%- endmacro %}

{# Half width of the confidence interval of a Net Promoter Score; where answers have weights, n is their sum and effective_n counts. #}
{% macro nps_margin(promoters, detractors, n, effective_n=none) -%}
    {{ var("confidence_z") }} * 100 * sqrt(
        greatest(
            {{ safe_divide(promoters ~ ' + ' ~ detractors, n) }}
            - power({{ safe_divide(promoters ~ ' - ' ~ detractors, n) }}, 2),
            0
        ) / nullif({{ effective_n or n }}, 0)
    )
{%- endmacro %}

{# Half width of the confidence interval of a mean; empty for a single person. #}
{% macro mean_margin(deviation, n) -%}
    {{ var("confidence_z") }} * {{ deviation }} / sqrt(nullif({{ n }}, 0))
{%- endmacro %}

{# Half width of the confidence interval of a share. #}
{% macro share_margin(share, n) -%}
    {{ var("confidence_z") }} * sqrt({{ share }} * (1 - {{ share }}) / nullif({{ n }}, 0))
{%- endmacro %}

{# Ends of a confidence interval, kept within what the metric can be; empty when there is no margin. #}
{% macro ci_low(value, margin, lowest) -%}
    case when {{ margin }} is not null then greatest({{ value }} - {{ margin }}, {{ lowest }}) end
{%- endmacro %}

{% macro ci_high(value, margin, highest) -%}
    case when {{ margin }} is not null then least({{ value }} + {{ margin }}, {{ highest }}) end
{%- endmacro %}
