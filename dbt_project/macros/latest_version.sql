{#
    Of several landed versions of a record the newest `updated_at` wins, then the newest `change_date`; exactly one row stays per key.

    `document`: rows that stand or fall together (the lines of an order, the answers of a form). All rows of its newest version's day
    stay and the other days' go, so that a line removed from an order, or a choice taken back, does not live on.
#}
{% macro latest_version(relation, key, document=none) %}
{%- set newest = "updated_at desc, change_date desc" -%}
select *
from (
    select
        versions.*,
        row_number() over (
            partition by {{ key | join(", ") }}
            order by {{ newest }}, source_record_id
        ) as version_number
    from (
        {%- if document %}
        select
            rows_of_document.*,
            first_value(rows_of_document.change_date) over (
                partition by {{ document | join(", ") }}
                order by {{ newest }}
            ) as document_date
        from {{ relation }} as rows_of_document
        {%- else %}
        select * from {{ relation }}
        {%- endif %}
    ) as versions
    {%- if document %}
    where versions.change_date = versions.document_date
    {%- endif %}
) as numbered
where version_number = 1
{%- endmacro %}
