{#
    Of several landed versions of a record the newest `updated_at` wins, then the newest `change_date`; exactly one row stays per key.

    `document`: rows that stand or fall together (the lines of an order, the answers of a form). All rows of its newest version's day
    stay and the other days' go, so that a line removed from an order, or a choice taken back, does not live on.

    `changed`: lists the keys whose rows a model selects that is kept from night to night.

    Only what has several versions is ranked: to find it takes a few narrow columns, to rank all rows a sort of everything landed.
    (`coalesce`: a key with an empty part is in no list, which `in` alone leaves open.)
#}
{% macro latest_version(relation, key, document=none, changed=none) %}
{%- set newest = "updated_at desc, change_date desc" -%}
{%- set held = document or key -%}
with
{%- if changed and is_incremental() %}
source as (
    select landed.*
    from {{ relation }} as landed
    {{ where_changed("landed", changed, config.get("unique_key")) }}
),
{% set relation = "source" %}
{%- endif %}
several as (
    {%- if document %}
    select {{ document | join(", ") }}
    from {{ relation }} as days_of_document
    group by {{ document | join(", ") }}
    having min(change_date) < max(change_date)
    union
    {%- endif %}
    select {{ held | join(", ") }}
    from {{ relation }} as rows_of_key
    group by {{ key | join(", ") }}
    having count(*) > 1
),

versions as (
    select
        {%- if document %}
        first_value(landed.change_date) over (
            partition by {% for column in document %}landed.{{ column }}{{ ", " if not loop.last }}{% endfor %}
            order by {{ newest }}
        ) as document_date,
        {%- endif %}
        landed.*
    from {{ relation }} as landed
    inner join several on {% for column in held %}{{ "and " if not loop.first }}landed.{{ column }} = several.{{ column }} {% endfor %}
),

numbered as (
    select
        row_number() over (
            partition by {{ key | join(", ") }}
            order by {{ newest }}, source_record_id
        ) as version_number,
        versions.*
    from versions
    {%- if document %}
    where change_date = document_date
    {%- endif %}
)

select * from numbered
where version_number = 1
union all
select
    1 as version_number,
    {%- if document %}
    landed.change_date as document_date,
    {%- endif %}
    landed.*
from {{ relation }} as landed
where not coalesce({{ is_among("landed", "several", held) }}, false)
{%- endmacro %}
