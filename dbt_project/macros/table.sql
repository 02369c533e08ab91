{#
    A table is made beside the one of the last build and takes its place, in one transaction. dbt-duckdb's own materialization makes and ends two more
    transactions a table, looks for indexes and foreign keys that no model here has, and keeps the old table under another name meanwhile:
    about a tenth of a build's time on small data.
#}
{% materialization table, adapter="duckdb", supported_languages=["sql", "python"] %}
    {%- set target = this.incorporate(type="table") -%}
    {%- set making = make_intermediate_relation(target) -%}
    {% do drop_relation_if_exists(load_cached_relation(making)) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main", language=model["language"]) -%}
        {{ create_table_as(False, making, compiled_code, model["language"]) }}
    {%- endcall %}
    {% call statement("replace") -%}
        drop table if exists {{ target }};
        alter table {{ making }} rename to {{ target.identifier }}
    {%- endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
