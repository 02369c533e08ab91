"""One row per pseudonym of a customer."""


def model(dbt, session):
    """The persons of pipelines/analysis/identities.py; of a warehouse that is kept, those of the circles that are touched."""
    from pipelines.analysis.identities import customer_aliases

    dbt.config(materialized="incremental", unique_key=["alias_pid"], meta={"changed": "int_touched_aliases"})
    seen = dbt.ref("int_customer_sightings").set_alias("seen")
    touched = dbt.ref("int_touched_aliases").set_alias("touched")
    if dbt.is_incremental:
        seen = seen.join(touched, "coalesce(seen.customer_pid, seen.mail_pid, seen.phone_pid) = touched.alias_pid", how="semi")
    seen = seen.project("customer_pid, merged_into_pid, mail_pid, phone_pid, social_pid").to_arrow_table()
    return customer_aliases(seen, mails_per_phone=int(dbt.config.get("mails_per_phone")))
