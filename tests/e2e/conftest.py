"""The whole way, as a person at a terminal runs it: the `engagement` command on a connections.yaml and a home of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.generate import generate
from pipelines.settings import PROJECT

ENGAGEMENT = Path(sys.executable).with_name("engagement")


@dataclass
class Company:
    """A connections.yaml and the home its runs leave their data in."""

    connections: Path
    home: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call `engagement` with the arguments; what it prints comes back as text."""
        process = self.start(*arguments)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `engagement` without waiting for it."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("ENGAGEMENT_", "DAGSTER_", "DBT_"))
        }
        environment |= {"ENGAGEMENT_HOME": str(self.home), "ENGAGEMENT_CONNECTIONS": str(self.connections), "COLUMNS": "200"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([ENGAGEMENT, *arguments], env=environment, text=True, cwd=self.connections.parent, **pipes)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the current release."""
        with duckdb.connect(str(self.home / "releases" / "current" / "engagement.duckdb"), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, *parameters: Any) -> Any:
        """The one value of a query."""
        return self.query(sql, *parameters)[0][0]

    def bytes_of(self, folder: str) -> dict[str, str]:
        """Hash of each file below a folder of the home."""
        root = self.home / folder
        return {
            str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def published_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all published tables, without the instant a row was landed at."""
        tables = [name for (name,) in self.query("select table_name from duckdb_tables() order by 1")]
        columns = {"rpt_data_health": "* exclude (last_landed_at)"}
        return {name: sorted(self.query(f"select {columns.get(name, '*')} from {name}"), key=repr) for name in tables}

    def edit_connections(self, change: Any) -> None:
        """Load connections.yaml, let `change` alter it, write it back."""
        content = yaml.safe_load(self.connections.read_text(encoding="utf-8"))
        change(content)
        self.connections.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def make_company(folder: Path, **size: Any) -> Company:
    """A generated company of its own files, with the shipped connections."""
    generate(folder / "data_samples", **size)
    shutil.copy(PROJECT / "connections.yaml", folder / "connections.yaml")
    return Company(folder / "connections.yaml", folder / "home")


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The shipped samples after one `engagement run`."""
    company = Company(PROJECT / "connections.yaml", tmp_path_factory.mktemp("samples"))
    done = company.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    (company.home / "first_run.txt").write_text(done.stdout + done.stderr)
    return company


@pytest.fixture(scope="session")
def small_company_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 days of a small company, with one good release."""
    folder = tmp_path_factory.mktemp("small")
    company = make_company(folder, seed=7, scale=0.3, days=120, start=date(2026, 4, 1))
    done = company.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def small_company(small_company_files: Path, tmp_path: Path) -> Company:
    """A copy of the small company, to be broken."""
    shutil.copytree(small_company_files, tmp_path / "company", symlinks=True)
    return Company(tmp_path / "company" / "connections.yaml", tmp_path / "company" / "home")
