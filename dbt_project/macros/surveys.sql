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
    own limit up, unfavourable from its other limit down or, without one, from the mirror image on the scale; empty when the question
    states no limit. Codes that are not evenly spaced (1, 2, 3, 10) have no mirror image worth the name and need both limits.
#}
{% macro favour(kind, turned, promoter_min, detractor_max, favourable_min, unfavourable_max, scale_min, scale_max) -%}
    case
        when {{ turned }} is null then null
        when {{ kind }} = 'nps' and {{ turned }} >= {{ promoter_min }} then 'favourable'
        when {{ kind }} = 'nps' and {{ turned }} <= {{ detractor_max }} then 'unfavourable'
        when {{ kind }} = 'nps' then 'neutral'
        when {{ turned }} >= {{ favourable_min }} then 'favourable'
        when {{ turned }} <= coalesce({{ unfavourable_max }}, {{ scale_min }} + {{ scale_max }} - {{ favourable_min }}) then 'unfavourable'
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

{#
    Ends of the confidence interval of a share of n (Wilson, JASA 1927): they stay within 0 and 1, and a share of 1 of a few is not certain.
    Empty without n.
#}
{% macro share_low(share, n) -%}
    {{ wilson_end(share, n, '-') }}
{%- endmacro %}

{% macro share_high(share, n) -%}
    {{ wilson_end(share, n, '+') }}
{%- endmacro %}

{% macro wilson_end(share, n, sign) -%}
    {%- set z_squared = var("confidence_z") ~ " * " ~ var("confidence_z") -%}
    (
        {{ share }} + {{ z_squared }} / (2.0 * nullif({{ n }}, 0))
        {{ sign }} {{ var("confidence_z") }} * sqrt(
            greatest({{ share }} * (1 - {{ share }}), 0) / nullif({{ n }}, 0) + {{ z_squared }} / (4.0 * nullif({{ n }}, 0) * {{ n }})
        )
    ) / (1 + {{ z_squared }} / nullif({{ n }}, 0))
{%- endmacro %}

{# Ends of a confidence interval, kept within what the metric can be; empty when there is no margin. #}
{% macro ci_low(value, margin, lowest) -%}
    case when {{ margin }} is not null then greatest({{ value }} - {{ margin }}, {{ lowest }}) end
{%- endmacro %}

{% macro ci_high(value, margin, highest) -%}
    case when {{ margin }} is not null then least({{ value }} + {{ margin }}, {{ highest }}) end
{%- endmacro %}

{# Years of service on a day, in four bands; unknown without a day of hire. #}
{% macro tenure_band(hire_date, day) -%}
    case
        when {{ hire_date }} is null then 'unknown'
        {%- for years, band in [(1, '0-1'), (3, '1-3'), (10, '3-10')] %}
        when {{ day }} < cast({{ dbt.dateadd('year', years, hire_date) }} as date) then '{{ band }}'
        {%- endfor %}
        else '10+'
    end
{%- endmacro %}

{#
    Finite-population correction: the margin shrinks as the answers come to be all there are (Cochran, Sampling Techniques, 1977, chapter 2). The
    headcount is rounded up to the next 5, so that no interval leads back to it; 1 where it is not known.
#}
{% macro finite_population_correction(n, population) -%}
    case
        when {{ population }} is null then 1
        else sqrt(
            (greatest(ceil({{ population }} / 5.0) * 5, {{ n }}) - {{ n }})
            / nullif(greatest(ceil({{ population }} / 5.0) * 5, {{ n }}, 2) - 1, 0)
        )
    end
{%- endmacro %}
