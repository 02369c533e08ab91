"""One row per population x period x dimension x group."""


def model(dbt, session):
    """The decisions of pipelines/privacy."""
    import pandas as pd

    from pipelines.privacy.disclosures import Thresholds, employee_disclosures, named

    dbt.config(materialized="table")
    thresholds = Thresholds(
        scores=int(dbt.config.get("scores")),
        comments=int(dbt.config.get("comments")),
        drivers=int(dbt.config.get("drivers")),
        uniform=int(dbt.config.get("uniform")),
        open_days=int(dbt.config.get("open_days")),
        **named(dbt.config.get("slices"), dbt.config.get("pairs")),
    )
    dates = dbt.ref("dim_dates").df()
    headcounts = dbt.ref("fct_headcount_months").df()
    headcounts["period"] = pd.to_datetime(headcounts["month_start"]).dt.strftime("%Y-%m")
    return employee_disclosures(
        headcounts.rename(columns={"closing": "n"}),
        dbt.ref("int_employee_wave_members").df(),
        dbt.ref("int_employee_wave_scores").df(),
        dbt.ref("int_initiative_subjects").df(),
        thresholds,
        pd.Timestamp(dates["date_day"].max()),
    )
