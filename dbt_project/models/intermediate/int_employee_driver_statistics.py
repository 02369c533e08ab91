"""One row per wave x organisation unit x driver."""


def model(dbt, session):
    """Alpha and impact of pipelines/analysis/drivers.py, of the company and its business units."""
    from pipelines.analysis.drivers import company_and_business_units, driver_statistics

    dbt.config(materialized="table")
    items = dbt.ref("int_employee_wave_items").df()
    people = dbt.ref("int_employee_wave_people").filter("is_answered").df()
    return driver_statistics(items, company_and_business_units(people), least=int(dbt.config.get("least")))
