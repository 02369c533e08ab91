"""Fixtures of the tests of the way from file to release."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from shops import Shop
from vendors.base import served
from vendors.scripted import Server
from xdist.scheduler import LoadFileScheduling

# No test asserts seconds: a busy machine is no defect.
settings.register_profile("engagement", deadline=None)
settings.load_profile("engagement")

COMPANIES = {
    "small_company": ("test_gates", "test_orchestration", "test_privacy"),
    "samples": (
        "test_customer_samples",
        "test_dbt_units",
        "test_hr_samples",
        "test_lake_samples",
        "test_narrowed_tests",
        "test_samples",
        "test_survey_statistics",
    ),
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop without files."""
    return Shop(tmp_path)


@pytest.fixture
def content() -> Callable[[Path], dict[str, tuple[int, bytes]]]:
    """Time of modification and bytes of every file below a folder."""

    def read(folder: Path) -> dict[str, tuple[int, bytes]]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    return read


class ByCompany(LoadFileScheduling):
    """In parallel runs a file stays in one process, and so do all files of one company: its first night takes a minute.

    So do those that share the servers of tests/integration.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if "/integration/" in f"/{file}":
            return "integration"
        return next((company for company, names in COMPANIES.items() if Path(file).stem in names), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByCompany:
    return ByCompany(config, log)


@pytest.fixture(scope="session")
def object_store() -> Iterator[None]:
    """A running server of S3, and the environment that leads to it."""
    from moto.server import ThreadedMotoServer  # slow to import, and most tests need none

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    _, port = started.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
            patch.setenv(f"AWS_{name}", value)
        yield
    started.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server that does what the test says."""
    made = Server()
    with served(made.vendor) as url:
        made.url = url
        yield made
