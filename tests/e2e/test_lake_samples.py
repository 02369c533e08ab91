"""A table of each source, and the quarantine, in an object store: dbt reads there what it reads on the disk, row by row."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
from conftest import Company
from test_lake import place

from pipelines.assets.warehouse import DBT, DBT_PROJECT, dbt_environment
from pipelines.settings import Settings

LANDED = ("survey/answers", "ec/orders", "sns/posts", "hr/employees", "plan/initiatives")
MODELS = (*(f"stg_{name.replace('/', '__')}" for name in LANDED), "stg_quarantine__rows")


def staged(warehouse: Path) -> dict[str, Any]:
    """Rows of each of the models, and the sum of their hashes."""
    with duckdb.connect(str(warehouse), read_only=True) as sql:
        query = "select count(*), sum(hash(t)::hugeint)::varchar from {} as t"
        return {name: sql.execute(query.format(name)).fetchone() for name in MODELS}


def test_dbt_reads_the_landing_zone_in_an_object_store_as_on_the_disk(
    samples: Company, object_store: None, tmp_path: Path
) -> None:
    lake = place("s3://samples/company")
    lake.fs.mkdir("samples")
    for name in (*(f"landing/{table}" for table in LANDED), "quarantine"):
        lake.fs.put(str(samples.home / name), f"{lake.path}/{name}", recursive=True)
    environment = {**os.environ, **dbt_environment(Settings(home=tmp_path, lake=lake))}
    build = [str(DBT), "run", "--select", *MODELS]
    done = subprocess.run(
        [*build, "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)],
        env=environment, cwd=DBT_PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    remote, local = staged(tmp_path / "warehouse.duckdb"), staged(samples.home / "warehouse.duckdb")
    assert remote == local
    assert all(local[name][0] for name in MODELS if name != "stg_quarantine__rows")  # the samples are clean
