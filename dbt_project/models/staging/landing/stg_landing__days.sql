-- One row per landing table x connection x day of change.
{#- A new landing table gets its entry here; the second value says whether rows are expected every day. -#}
{%- set tables = {
    "survey": {"surveys": false, "questions": false, "invitations": false, "answers": false},
    "ec": {
        "customers": false, "products": false, "orders": true, "order_lines": true, "adjustments": false, "reviews": false,
        "subscriptions": false, "subscription_events": false, "points": false,
    },
    "sns": {"accounts": true, "posts": true, "mentions": false},
    "hr": {"employees": false, "activities": false, "finance": false},
    "plan": {"initiatives": false, "initiative_subjects": false, "targets": false},
} %}
{%- for source_name, source_tables in tables.items() %}
{%- set is_last_source = loop.last %}
{%- for table_name, is_daily in source_tables.items() %}
select
    '{{ source_name }}' as source_name,
    '{{ source_name }}.{{ table_name }}' as source_table,
    connection,
    change_date,
    {{ is_daily }} as is_daily,
    count(*) as rows_n,
    {{ utc_timestamp('max(landed_at)') }} as landed_at
from {{ source(source_name, table_name) }}
group by connection, change_date
{%- if not (is_last_source and loop.last) %}
union all
{%- endif %}
{%- endfor %}
{%- endfor %}
