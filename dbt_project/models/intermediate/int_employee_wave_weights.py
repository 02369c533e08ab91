"""One row per wave x person."""


def model(dbt, session):
    """The weights of pipelines/analysis/raking.py."""
    from pipelines.analysis.raking import wave_weights

    dbt.config(materialized="table")
    return wave_weights(
        dbt.ref("int_employee_wave_people").df(),
        dimensions=list(dbt.config.get("raked_to")),
        least=int(dbt.config.get("least")),
        cap=float(dbt.config.get("largest_weight")),
    )
