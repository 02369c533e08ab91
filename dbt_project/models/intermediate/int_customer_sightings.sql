-- One row per set of a customer's pseudonyms seen together.
{%- set contacts = {
    "customers": ["merged_into_pid", "mail_pid", "phone_pid", "social_pid"],
    "orders": ["mail_pid", "phone_pid"],
    "adjustments": ["mail_pid", "phone_pid"],
    "reviews": ["mail_pid"],
    "subscriptions": ["mail_pid"],
    "subscription_events": ["mail_pid"],
    "points": ["mail_pid"],
} %}
{%- for relation in contacts %}
{{ "with" if loop.first }} {{ relation }} as (
    select * from {{ ref('stg_ec__' ~ relation) }}
),
{%- endfor %}

sightings as (
    {%- for relation, columns in contacts.items() %}
    select
        {%- for column in contacts["customers"] %}
        {{ column if column in columns else "cast(null as " ~ dbt.type_string() ~ ")" }} as {{ column }},
        {%- endfor %}
        customer_pid
    from {{ relation }}
    where coalesce(customer_pid, {{ columns | join(", ") }}) is not null
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        coalesce(customer_pid, '')
        {%- for column in contacts["customers"] %}
        || ':' || coalesce({{ column }}, '')
        {%- endfor %} as sighting_key,
        *
    from sightings
)

select * from final
