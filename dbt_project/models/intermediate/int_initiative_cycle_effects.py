"""One row per initiative x cycle."""


def model(dbt, session):
    """The effect on the target metric with the data up to the end of each cycle, by pipelines/analysis."""
    from pipelines.analysis.initiatives import cycle_effects

    dbt.config(materialized="table")
    return cycle_effects(
        dbt.ref("int_initiative_panels").df(),
        dbt.ref("dim_initiatives").df(),
        dbt.ref("int_initiative_cycles").df(),
        dbt.ref("dim_metrics").df(),
    )
