{# People who still follow: LINE's follower counter never falls, there those who blocked the account are taken off. #}
{% macro net_followers(platform, followers, blocks) -%}
    case when {{ platform }} = 'line' then {{ followers }} - {{ blocks }} else {{ followers }} end
{%- endmacro %}

{# What came to a cumulative counter since its last known reading. A counter that fell began anew: all it shows is new. #}
{% macro counter_delta(counter, previous) -%}
    case when {{ counter }} >= coalesce({{ previous }}, 0) then {{ counter }} - coalesce({{ previous }}, 0) else {{ counter }} end
{%- endmacro %}

{# Interactions with posts; clicks are kept apart. Empty when no counter is known. #}
{% macro engagements(likes, replies, reposts, saves) -%}
    case
        when coalesce({{ likes }}, {{ replies }}, {{ reposts }}, {{ saves }}) is not null
            then coalesce({{ likes }}, 0) + coalesce({{ replies }}, 0) + coalesce({{ reposts }}, 0) + coalesce({{ saves }}, 0)
    end
{%- endmacro %}
