"""One row per wave x organisation unit x driver."""


def model(dbt, session):
    """Alpha and impact of pipelines/analysis/drivers.py, of the company and its business units."""
    from pipelines.analysis.drivers import company_and_business_units, driver_statistics

    dbt.config(materialized="table")
    items = dbt.ref("fct_survey_answers").filter(
        "audience = 'employee' and is_latest_response and score_100 is not null and kind in ('rating', 'nps')"
    )
    people = dbt.ref("int_employee_wave_people").filter("is_answered").df()
    return driver_statistics(items.df(), company_and_business_units(people), least=int(dbt.config.get("least")))
