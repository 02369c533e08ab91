"""moto: an S3 that keeps its buckets in memory."""

from __future__ import annotations

from pathlib import Path

from tests.integration.install import installed
from tests.integration.processes import Process, free_port


class Moto:
    """Without buckets."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(installed("moto") / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        self.process = Process(command, folder, folder / "server.log")

    def start(self) -> None:
        """Start it empty."""
        self.process.start()
        self.process.wait_for_url(f"{self.url}/moto-api/")
