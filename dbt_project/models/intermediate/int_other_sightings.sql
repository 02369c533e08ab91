-- One row per set of a customer's pseudonyms seen together on what is built whole.
{%- set records = {} %}
{%- for name in ["reviews", "subscriptions", "subscription_events"] %}
{%- do records.update({name: ref('stg_ec__' ~ name) ~ " as record"}) %}
{%- endfor %}
with seen as (
    {{ sightings(records) }}
),

final as (
    select
        *,
        {{ alias_of('seen') }} as alias_pid
    from seen
)

{{ held_against_last_build('final', 'sighting_key', ['alias_pid'] + contacts()['customers']) }}
