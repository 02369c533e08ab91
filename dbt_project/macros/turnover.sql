{#
    Ends of the 95 % confidence interval of a count of events (Poisson), by Byar's approximation of the exact limits (Breslow & Day, Statistical
    Methods in Cancer Research II, IARC 1987, section 2.3). It is off by less than 0.03 events, and needs no quantiles of chi-squared.
#}
{% macro poisson_low(events) -%}
    case
        when {{ events }} > 0
            then {{ events }} * power(greatest(1 - 1.0 / (9 * {{ events }}) - {{ var("confidence_z") }} / (3 * sqrt({{ events }})), 0), 3)
        else 0
    end
{%- endmacro %}

{% macro poisson_high(events) -%}
    ({{ events }} + 1) * power(1 - 1.0 / (9 * ({{ events }} + 1)) + {{ var("confidence_z") }} / (3 * sqrt({{ events }} + 1)), 3)
{%- endmacro %}
