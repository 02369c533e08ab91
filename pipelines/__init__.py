"""The nightly batch: sources are landed, checked, built by dbt, checked again and published."""

import gc

# Modules, manifests and plans are many objects that stay. At Python's own threshold looking for cycles among them takes a fifth
# of what Dagster needs to start, and of dbt's time a third in a night without changes.
gc.set_threshold(100_000, 20, 20)


def dbt() -> None:
    """The command `engagement-dbt`: dbt as it is, with the threshold of this package."""
    from dbt.cli.main import cli

    cli()
