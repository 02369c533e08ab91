"""One row per landmark x tier x days since."""


def model(dbt, session):
    """The curves of pipelines/analysis/survival.py."""
    from pipelines.analysis.survival import retention_by_tier

    dbt.config(materialized="table")
    return retention_by_tier(
        dbt.ref("int_retention_subjects").df(),
        least_customers=int(dbt.config.get("least_customers")),
        z=float(dbt.config.get("confidence_z")),
    )
