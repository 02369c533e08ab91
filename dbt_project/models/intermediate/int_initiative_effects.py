"""One row per initiative x metric."""


def model(dbt, session):
    """The estimates and verdicts of pipelines/analysis, one initiative and metric at a time."""
    from pipelines.analysis.initiatives import initiative_effects

    dbt.config(materialized="table")
    return initiative_effects(
        dbt.ref("int_initiative_panels").df(),
        dbt.ref("dim_initiatives").df(),
        dbt.ref("dim_metrics").df(),
    )
