"""dbt's unit tests: the arithmetic of the models on rows that can be checked by head. The night leaves them out."""

import os
import subprocess

from pipelines.assets.warehouse import DBT, DBT_PROJECT, dbt_environment
from pipelines.settings import Settings
from tests.e2e.conftest import Company


def test_the_unit_tests_of_the_models_pass(samples: Company) -> None:
    environment = {**os.environ, **dbt_environment(Settings(home=samples.home))}
    command = [DBT, "test", "--select", "test_type:unit", "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    passed = int(done.stdout.rsplit("PASS=", 1)[1].split()[0])
    assert passed >= 28
