"""django-oscar with its REST API: lists in pages of 10, newest first, without a date filter; a page past the end is 404.

Requests are limited, those without a token to two a minute: one too many is 429 with Retry-After.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration import ask
from tests.integration.install import HERE, installed
from tests.integration.processes import Process, free_port, run

CUSTOMERS = 20
ORDERS = 38  # placed by the fixture: four pages, the last of them short; more than three days, whatever the hour is now


class Oscar:
    """A shop of which the customers and products are made and no order is placed."""

    def __init__(self, folder: Path, rate: str = "6000/min") -> None:
        environment = installed("oscar")
        self.python = str(environment / "bin" / "python")
        self.database = folder / "shop.sqlite3"
        shutil.copy(environment / "made" / self.database.name, self.database)
        port = free_port()
        self.site = f"http://127.0.0.1:{port}"
        self.url = f"{self.site}/api"
        command = [self.python, "-m", "django", "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure"]
        self.variables = {"SHOP_HOME": str(folder), "SHOP_RATE": rate, "DJANGO_SETTINGS_MODULE": "settings"}
        self.process = Process(command, HERE / "oscar", folder / "server.log", self.variables)

    @property
    def token(self) -> str:
        """The administrator's."""
        ((token,),) = ask.rows(self.database, "select key from authtoken_token")
        return str(token)

    def place(self, first: int, end: int) -> None:
        """Place the orders numbered `first` to `end` - 1: the last of them now, the others two hours apart before it."""
        run([self.python, "seed.py", str(first), str(end)], HERE / "oscar", **self.variables)

    def start(self) -> None:
        """Start, or start again with everything that was there."""
        self.process.start()
        self.process.wait_for_url(f"{self.site}/no-such-page/")  # none of those that are limited

    def stop(self) -> None:
        """End it."""
        self.process.stop()
