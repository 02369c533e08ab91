"""One row per pseudonym of a customer."""


def model(dbt, session):
    """The persons of pipelines/analysis/identities.py."""
    from pipelines.analysis.identities import customer_aliases

    dbt.config(materialized="table")
    return customer_aliases(dbt.ref("int_customer_sightings").df(), mails_per_phone=int(dbt.config.get("mails_per_phone")))
