"""One row per pseudonym of a customer."""


def model(dbt, session):
    """The persons of pipelines/analysis/identities.py."""
    from pipelines.analysis.identities import customer_aliases

    dbt.config(materialized="table")
    seen = dbt.ref("int_customer_sightings").project("merged_into_pid, mail_pid, phone_pid, social_pid, customer_pid")
    return customer_aliases(seen.df(), mails_per_phone=int(dbt.config.get("mails_per_phone")))
