-- One row per set of a customer's pseudonyms that came to be seen together, or is no longer.
{%- set before = built_before('int_customer_sightings') %}
{%- set pseudonyms = contacts()["customers"] %}
{%- set kept = {
    "customers": ["connection", "customer_pid"],
    "orders": ["connection", "order_id"],
    "adjustments": ["connection", "adjustment_id"],
    "points": ["connection", "transaction_id"],
} %}
{%- set lists, of_changed, of_gone = {}, {}, {} %}
{%- for name, columns in contacts().items() %}
{%- set records = ref('stg_ec__' ~ name) %}
{%- if name in kept %}
{%- set changed = ref('stg_ec__changed_' ~ name) %}
{%- do lists.update({name: changed ~ " as record"}) %}
{%- do of_changed.update({name: records ~ " as record where " ~ is_among("record", changed, kept[name])}) %}
{%- endif %}
{%- do of_gone.update({
    name: records ~ " as record where " ~ alias_of("record", has_phone="phone_pid" in columns) ~ " in (select gone.alias_pid from gone)"
}) %}
{%- endfor %}
with others as (
    select * from {{ ref('int_other_sightings') }}
    where is_changed
),

-- What stands on records that changed.
present as (
    {{ sightings(of_changed) }}
    union
    select
        sighting_key,
        {{ pseudonyms | join(",\n        ") }}
    from others
    where alias_pid is not null
),

{%- if before %}

former as (
    {{ sightings(lists, former=true) }}
),

-- What stood on them, too.
known as (
    select
        sighting_key,
        {{ pseudonyms | join(",\n        ") }}
    from {{ before }}
    where sighting_key in (
        select present.sighting_key from present
        union
        select others.sighting_key from others
        union
        select former.sighting_key from former
    )
),

gone as (
    select
        *,
        {{ alias_of('known') }} as alias_pid
    from known
    where known.sighting_key not in (select present.sighting_key from present)
),

-- It may stand on other records still.
elsewhere as (
    {{ sightings(of_gone) }}
),
{%- endif %}

final as (
    select
        *,
        true as is_seen
    from present
    where {{ "sighting_key not in (select known.sighting_key from known)" if before else "false" }}
    {%- if before %}
    union all
    select
        sighting_key,
        {{ pseudonyms | join(",\n        ") }},
        false as is_seen
    from gone
    where sighting_key not in (select elsewhere.sighting_key from elsewhere)
    {%- endif %}
)

select * from final
