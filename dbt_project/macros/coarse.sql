{#
    Counts of employees as they may be shown: to the nearest 5, so that neither a difference of two of them nor a rate made of them leads back to
    single persons (as HESA, the British agency of statistics on universities, rounds counts of persons).
#}
{% macro rounded_people(people) -%}
    cast(floor(({{ people }}) / 5.0 + 0.5) * 5 as bigint)
{%- endmacro %}

{# The smallest and the largest count that is shown as this one; counts under 5 are one band, 0 to 4. #}
{% macro band_low(people) -%}
    case when {{ people }} < 5 then 0 else greatest({{ rounded_people(people) }} - 2, 5) end
{%- endmacro %}

{% macro band_high(people) -%}
    case when {{ people }} < 5 then 4 else {{ rounded_people(people) }} + 2 end
{%- endmacro %}

{#
    A share of employees so coarse that no number of persons under 5 follows from it and from the rounded headcount: steps of 0.25 under 13 persons,
    0.1 under 30, 0.05 under 100, then 0.02.
#}
{% macro coarse_share(share, people) -%}
    case
        when {{ people }} < 13 then round({{ share }} * 4) / 4
        when {{ people }} < 30 then round({{ share }} * 10) / 10
        when {{ people }} < 100 then round({{ share }} * 20) / 20
        else round({{ share }} * 50) / 50
    end
{%- endmacro %}

{#
    What employees did per head and period, as it may be shown: to the nearest 5 events in all, where `person_periods` is how many heads times periods
    it is a mean over. Empty `person_periods`: no such figure, shown as it is.
#}
{% macro nearest_events(rate, person_periods) -%}
    case
        when {{ person_periods }} is null then {{ rate }}
        else round({{ rate }} * {{ person_periods }} / 5) * 5 / nullif({{ person_periods }}, 0)
    end
{%- endmacro %}
