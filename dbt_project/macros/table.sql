{#
    A table is made beside the one of the last build and takes its place, both in one transaction; what a model in Python makes lies there already.
    dbt-duckdb's own materialization ends two more transactions a table, looks for indexes, foreign keys and grants, which no model here has, and
    keeps the old table under another name meanwhile: about a tenth of a build's time on small data.
#}
{% materialization table, adapter="duckdb", supported_languages=["sql", "python"] %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set made = this.incorporate(type="table") -%}
    {%- set making = make_intermediate_relation(made) -%}
    {% do drop_relation_if_exists(load_cached_relation(making)) %}
    {% if existing and not existing.is_table %}{% do drop_relation_if_exists(existing) %}{% endif %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main", language=model["language"]) -%}
        {{ create_table_as(False, making, compiled_code, model["language"]) }}
    {%- endcall %}
    {% call statement("replace") -%}
        drop table if exists {{ made }};
        alter table {{ making }} rename to {{ made.identifier }}
    {%- endcall %}
    {% do persist_docs(made, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [made]}) }}
{% endmaterialization %}
