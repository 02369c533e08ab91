"""Bluesky: a personal data server alone (with its login limits), or the full network over PostgreSQL and Redis.

The full network has an AppView, which counts likes, replies, reposts and followers, and answers what the data server hands on.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.integration import ask
from tests.integration.install import HERE, Missing, installed
from tests.integration.processes import Process, free_port, run

PASSWORD = "a-password-for-tests-only"
NODE = ["node", "--dns-result-order=ipv4first", "--require", str(HERE / "loopback.cjs"), str(HERE / "bluesky" / "network.cjs")]


class Bluesky:
    """The network `kind` (pds or full), in which people wrote to our account at the instant `mentioned_at`.

    `seeded` holds the identities of the accounts, as `bluesky/network.cjs` prints them.
    """

    def __init__(self, folder: Path, kind: str = "pds", mentioned_at: datetime | None = None) -> None:
        packages, port = installed("bluesky"), free_port()
        self.url = f"http://localhost:{port}"
        self.stores = Stores(folder) if kind == "full" else None
        variables = {"PASSWORD": PASSWORD, "NODE_NO_WARNINGS": "1", "MENTIONED_AT": f"{mentioned_at or datetime.now(UTC):%FT%TZ}"}
        variables |= self.stores.variables if self.stores else {}
        self.process = Process([*NODE, kind, str(port)], packages, folder / "server.log", variables)
        self.seeded: dict[str, Any] = {}

    def start(self) -> None:
        """Start the network and fill it."""
        if self.stores:
            self.stores.start()
        self.process.start()
        self.seeded = json.loads(self.process.wait_for_line("READY"))

    def stop(self) -> None:
        """End the network, then what it stores its data in."""
        try:
            self.process.stop()
        finally:
            if self.stores:
                self.stores.stop()

    def log_in(self, name: str) -> tuple[int, Any, dict[str, str]]:
        """What the server answers to a login."""
        body = {"identifier": f"{name}.test", "password": PASSWORD}
        return ask.post(f"{self.url}/xrpc/com.atproto.server.createSession", body)

    def count(self, table: str, condition: str) -> int:
        """Rows of a table of the AppView's own database."""
        assert self.stores is not None
        return int(self.stores.query(f'select count(*) from appview_dev."{table}" where {condition}'))


class Stores:
    """A PostgreSQL and a Redis of the network's own, on loopback ports."""

    def __init__(self, folder: Path) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            raise Missing("the full network of Bluesky needs PostgreSQL, which is not on this machine")
        if shutil.which("redis-server") is None:
            raise Missing("the full network of Bluesky needs redis-server, which is not on this machine")
        self.binaries = binaries[-1]
        # PostgreSQL refuses to run as root, and its own user may not enter the folders of a test.
        self.folder = Path(tempfile.mkdtemp(prefix="bluesky-"))
        self.user: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self.ports = free_port(), free_port()
        port, redis = map(str, self.ports)
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self.variables = {"DB_POSTGRES_URL": self.url, "REDIS_HOST": f"127.0.0.1:{redis}"}
        options = ["-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        serve = [*self.user, str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-p", port, *options]
        self.postgres = Process(serve, self.folder, folder / "postgres.log")
        in_memory = ["redis-server", "--bind", "127.0.0.1", "--port", redis, "--save", ""]
        self.redis = Process(in_memory, folder, folder / "redis.log")

    def start(self) -> None:
        """Make the database and start both."""
        command = [*self.user, str(self.binaries / "initdb"), "-D", str(self.folder / "data"), "-A", "trust", "-U", "postgres"]
        run(command, self.folder)
        self.redis.start()
        self.postgres.start()
        ready = [str(self.binaries / "pg_isready"), "-d", self.url]
        self.postgres.wait_until(lambda: subprocess.run(ready, capture_output=True).returncode == 0)

    def query(self, sql: str) -> str:
        """The one value of a query."""
        return run([str(self.binaries / "psql"), "-At", "-d", self.url, "-c", sql], self.folder).strip()

    def stop(self) -> None:
        """End both and remove the data."""
        try:
            self.postgres.stop()
        finally:
            self.redis.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
