{#
    A model that is kept from night to night, a table of which each build replaces only what may have changed.

    It names in its configuration the model that lists the changed keys (`meta: {changed: ...}`) and the columns of the key
    (`unique_key`); rows of its own that have such a key go, and what it selects comes in their place. A build from nothing
    (`dbt build --full-refresh`) finds no changed keys and selects everything.
#}

{# The table that the last build made of a model; none in a build from nothing. Who reads it must be built before the model. #}
{% macro built_before(model_name) %}
    {%- if execute and not flags.FULL_REFRESH -%}
        {%- do return(load_relation(this.incorporate(path={"identifier": model_name}))) -%}
    {%- endif -%}
    {%- do return(none) -%}
{% endmacro %}

{# Condition: the row lies in a day of a landing table, written source.table, that changed since the last build. #}
{% macro is_of_changed_day(source_table, row) -%}
    ({{ row }}.connection, {{ row }}.change_date) in (
        select
            days.connection,
            days.change_date
        from {{ source('landing', 'days') }} as days
        where days.is_changed and days.source_table = '{{ source_table }}'
    )
{%- endmacro %}

{#
    The keys of which something was landed, or taken back, since the last build: from the rows of changed days as they are, and from
    what the last build took from those days. `landing` has the relation of each landing table by its name, source.table. `former`: columns of
    the first of them, as the last build had them of the key (former_...).
#}
{% macro changed_keys(landing, key, former=[]) %}
with changed as (
    {%- for source_table, landed in landing.items() %}
        {%- set is_last_table = loop.last %}
        {%- set built = staged_before(source_table) %}
        {%- set lies_in_changed_day = is_of_changed_day(source_table, "landed") %}
        {%- for rows in [landed, built] if rows %}
    select {% for column in key %}landed.{{ column }}{{ ", " if not loop.last }}{% endfor %}
    from {{ rows }} as landed
    where {{ lies_in_changed_day if built else "false" }}
            {%- if not (is_last_table and loop.last) %}
    union
            {%- endif %}
        {%- endfor %}
    {%- endfor %}
)

{% set built = staged_before(landing.keys() | first) if former else none -%}
select
    {%- for column in key %}
    changed.{{ column }}{{ "," if former or not loop.last }}
    {%- endfor %}
    {%- for column in former %}
    {{ "built." ~ column if built else "cast(null as " ~ dbt.type_string() ~ ")" }} as former_{{ column }}{{ "," if not loop.last }}
    {%- endfor %}
from changed
    {%- if built %}
left join {{ built }} as built on {% for column in key %}{{ "and " if not loop.first }}changed.{{ column }} = built.{{ column }} {% endfor %}
    {%- endif %}
{% endmacro %}

{# The staging table of a landing table, written source.table, as the last build made it. #}
{% macro staged_before(source_table) %}
    {%- do return(built_before("stg_" ~ source_table.replace(".", "__"))) -%}
{% endmacro %}

{#
    The rows of the CTE `anew` beside those that the last build of this model had of the same key, and whether one of `values` is another. What is
    gone stands there once, without values; in a build from nothing every row is changed. The first of the values is never empty in `anew`.
#}
{% macro held_against_last_build(anew, key, values) %}
    {%- set before = built_before(this.identifier) %}
    {%- if before %}
select
    coalesce({{ anew }}.{{ key }}, built.{{ key }}) as {{ key }},
        {%- for value in values %}
    {{ anew }}.{{ value }},
        {%- endfor %}
    ({% for value in values %}{{ "or " if not loop.first }}{{ anew }}.{{ value }} is distinct from built.{{ value }}{{ " " if not loop.last }}{% endfor %}) as is_changed
from {{ anew }}
full outer join (select * from {{ before }} where {{ values | first }} is not null) as built on {{ anew }}.{{ key }} = built.{{ key }}
    {%- else %}
select
    {{ key }},
        {%- for value in values %}
    {{ value }},
        {%- endfor %}
    true as is_changed
from {{ anew }}
    {%- endif %}
{% endmacro %}

{# Condition: the row has a key of the relation `listed`. For an `exists` DuckDB would put all rows aside first: ten times the CPU. #}
{% macro is_among(row, listed, key) -%}
    ({% for column in key %}{{ row }}.{{ column }}{{ ", " if not loop.last }}{% endfor %}) in (
        select {% for column in key %}listed.{{ column }}{{ ", " if not loop.last }}{% endfor %}
        from {{ listed }} as listed
    )
{%- endmacro %}

{# The same of changed keys as a where clause, in a build that keeps what is there. #}
{% macro where_changed(row, changed, key) -%}
    {%- if is_incremental() %}
    where {{ is_among(row, changed, key) }}
    {%- endif %}
{%- endmacro %}

{# dbt's incremental strategy `changed`. #}
{% macro get_incremental_changed_sql(arg_dict) %}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    delete from {{ arg_dict["target_relation"] }} as kept
    where {{ is_among("kept", ref(config.get("meta")["changed"]), arg_dict["unique_key"]) }};

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict["temp_relation"] }}
{% endmacro %}

{# Whether `dbt build` keeps what the build before made: some landed day is as it was then, which none is to a build from nothing. #}
{% macro is_on_top() -%}
    {%- if execute and flags.WHICH == "build" and not flags.FULL_REFRESH -%}
        {%- set kept_days = "select 1 from " ~ source("landing", "days") ~ " where not is_changed limit 1" -%}
        {%- do return(run_query(kept_days).rows | length > 0) -%}
    {%- endif -%}
    {%- do return(false) -%}
{%- endmacro %}

{#
    Where clause of a test that in a night looks only at rows of the keys that were built anew, none when there are none: the others are
    those that the build before tested, as a night that keeps them follows one whose tests all held. All rows are tested in a build from
    nothing, and by any other command than `dbt build`. `changed` is the name of the model that lists the keys.
#}
{% macro where_built_anew(row, changed, key) -%}
    {%- if is_on_top() %}
    where {{ is_among(row, listed_keys(changed), key) }}
    {%- endif -%}
{%- endmacro %}

{# The table of the model that lists the changed keys; not by ref(), as a test of any table may need any of them. #}
{% macro listed_keys(changed) -%}
    {{- adapter.get_relation(database=target.database, schema=target.schema, identifier=changed) -}}
{%- endmacro %}

{#
    What a test of the grain of a table looks at of it, to stand after `from`: the same, if the table is kept. Where the grain holds the key, rows of
    two keys are never one. Where it does not, a row that was built anew may be one with a row that was kept: all rows are looked at that share the
    first column of the grain with one built anew, and those built anew that have none.
#}
{% macro tested_for_grain(tested_table, columns) -%}
    {%- set tested = graph.nodes[model.attached_node].config if execute and model.attached_node else {} -%}
    {%- set changed, key = (tested.meta["changed"], tested.unique_key) if tested.materialized == "incremental" else (none, []) -%}
    {%- if changed and key | reject("in", columns) | list | length == 0 -%}
        {{ tested_table }} as tested
    {{- where_built_anew("tested", changed, key) }}
    {%- elif changed and is_on_top() -%}
    (
        select kept.*
        from {{ tested_table }} as kept
        where
            kept.{{ columns | first }} in (
                select anew.{{ columns | first }}
                from {{ tested_table }} as anew
                where {{ is_among("anew", listed_keys(changed), key) }}
            )
        union all
        select anew.*
        from {{ tested_table }} as anew
        where anew.{{ columns | first }} is null and {{ is_among("anew", listed_keys(changed), key) }}
    ) as tested
    {%- else -%}
        {{ tested_table }} as tested
    {%- endif -%}
{%- endmacro %}

{#
    The same for a test that each value of a column is a key of another table, `parent`, as conditions of which a row has to fulfil any. If both
    tables are kept, a value can only be missing from rows built anew and where the other table has lost it; else all rows are looked at.
#}
{% macro conditions_of_relationship(row, column, parent, field) -%}
    {%- set tested = graph.nodes[model.attached_node].config if execute and model.attached_node else {} -%}
    {%- set looked_up = graph.nodes.get("model.engagement." ~ parent.identifier, {}).get("config", {}) if execute else {} -%}
    {%- if tested.materialized == "incremental" and looked_up.get("unique_key") == [field] and is_on_top() -%}
        {%- set lost -%}
            select listed.{{ field }}
            from {{ listed_keys(looked_up.meta["changed"]) }} as listed
            where listed.{{ field }} not in (select kept.{{ field }} from {{ parent }} as kept)
        {%- endset -%}
        {%- do return([is_among(row, listed_keys(tested.meta["changed"]), tested.unique_key), row ~ "." ~ column ~ " in (" ~ lost ~ ")"]) -%}
    {%- endif -%}
    {%- do return(["true"]) -%}
{%- endmacro %}
