"""django-oscar with its REST API: lists in pages of 25, newest first, without a date filter; a page past the end is 404.

Requests are limited: one too many is 429 with Retry-After.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration import ask
from tests.integration.install import HERE, installed
from tests.integration.processes import Process, free_port, run

ORDERS = 60  # placed by the fixture: three pages, the last of them short


class Oscar:
    """A shop of which the customers and products are made and no order is placed."""

    def __init__(self, folder: Path, rate: str = "6000/min") -> None:
        environment = installed("oscar")
        self.python = str(environment / "bin" / "python")
        self.database = folder / "shop.sqlite3"
        shutil.copy(environment / "made" / self.database.name, self.database)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        command = [self.python, "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure"]
        self.variables = {"SHOP_HOME": str(folder), "SHOP_RATE": rate, "DJANGO_SETTINGS_MODULE": "settings"}
        self.process = Process(command, HERE / "oscar", folder / "server.log", self.variables)

    @property
    def token(self) -> str:
        """The administrator's."""
        ((token,),) = ask.rows(self.database, "select key from authtoken_token")
        return str(token)

    def place(self, first: int, end: int) -> None:
        """Place the orders numbered `first` to `end` - 1: the last of them now, the others an hour apart before it."""
        run([self.python, "seed.py", str(first), str(end)], HERE / "oscar", **self.variables)

    def start(self) -> None:
        """Start, or start again with everything that was there."""
        self.process.start()
        self.process.wait_for_url(f"{self.url}/")
