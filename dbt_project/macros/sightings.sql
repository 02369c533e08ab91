{# By which pseudonyms of customers the records of a shop name somebody, by the landing table. #}
{% macro contacts() %}
    {%- do return({
        "customers": ["customer_pid", "merged_into_pid", "mail_pid", "phone_pid", "social_pid"],
        "orders": ["customer_pid", "mail_pid", "phone_pid"],
        "adjustments": ["customer_pid", "mail_pid", "phone_pid"],
        "points": ["customer_pid", "mail_pid"],
        "reviews": ["customer_pid", "mail_pid"],
        "subscriptions": ["customer_pid", "mail_pid"],
        "subscription_events": ["customer_pid", "mail_pid"],
    }) -%}
{% endmacro %}

{#
    The sets of pseudonyms that stand together on a record, each once, with all of it in one text. `records` has, by the name of the landing
    table, the relation and what restricts it; `former`: in these the pseudonyms are those that the last build had (former_...).
#}
{% macro sightings(records, former=false) %}
    {%- set every_contact = contacts()["customers"] %}
    select
        coalesce(customer_pid, '')
        {%- for column in every_contact[1:] %}
        || ':' || coalesce({{ column }}, '')
        {%- endfor %} as sighting_key,
        {{ every_contact | join(", ") }}
    from (
        {%- for name, rows in records.items() %}
        {%- set known = contacts()[name] %}
        select
            {%- for column in every_contact %}
            {% if column not in known %}cast(null as {{ dbt.type_string() }}){% else %}record.{{ "former_" if former }}{{ column }}{% endif %} as {{ column }}
            {{- "," if not loop.last }}
            {%- endfor %}
        from {{ rows }}
        {%- if not loop.last %}
        union
        {%- endif %}
        {%- endfor %}
    ) as sets
    where coalesce({{ every_contact | join(", ") }}) is not null
{% endmacro %}
