"""One `dbt compile` for all laws of this folder."""

import os
import subprocess
from pathlib import Path

import pytest

from pipelines.assets.warehouse import DBT, DBT_PROJECT, dbt_environment
from pipelines.settings import Settings


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compiled dbt project: its manifest holds the SQL of every model and test."""
    return compiled(tmp_path_factory.mktemp("compiled"))


def compiled(home: Path) -> Path:
    """Compile the dbt project beside the warehouse of `home`, if there is one; the target folder."""
    settings = Settings(home=home)
    environment = {**os.environ, **dbt_environment(settings)}
    command = [str(DBT), "compile", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    done = subprocess.run(command, env=environment, cwd=DBT_PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return settings.home / "dbt"
