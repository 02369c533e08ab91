"""One row per wave x horizon x outcome."""


def model(dbt, session):
    """The quartiles of pipelines/analysis/contrasts.py."""
    from pipelines.analysis.contrasts import engagement_contrasts

    dbt.config(materialized="table")
    return engagement_contrasts(
        dbt.ref("int_engagement_outcomes").df(),
        least_units=int(dbt.config.get("least_units")),
        least_people=int(dbt.config.get("least_people")),
        least_group=int(dbt.config.get("least_group")),
        uniform_group=int(dbt.config.get("uniform_group")),
    )
