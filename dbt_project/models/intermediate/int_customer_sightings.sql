-- One row per set of a customer's pseudonyms seen together.
{{ config(materialized='incremental', unique_key=['sighting_key'], meta={'changed': 'int_changed_sightings'}) }}
{%- set changed = ref('int_changed_sightings') %}
{%- set records = {} %}
{%- for name in contacts() %}
{%- do records.update({name: ref('stg_ec__' ~ name) ~ " as record"}) %}
{%- endfor %}
with final as (
    {%- if is_incremental() %}
    select * from {{ changed }}
    where is_seen
    {%- else %}
    {{ sightings(records) }}
    {%- endif %}
)

select
    sighting_key,
    {{ contacts()["customers"] | join(",\n    ") }}
from final
