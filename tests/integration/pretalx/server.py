"""pretalx as a form server: four questions, answers in pages, the API's version in a header."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.integration import ask
from tests.integration.install import HERE, installed
from tests.integration.processes import Process, free_port, run

FORMS = 60  # handed in by the fixture


class Pretalx:
    """A questionnaire without answers."""

    def __init__(self, folder: Path) -> None:
        environment = installed("pretalx")
        self.folder, self.python = folder, str(environment / "bin" / "python")
        self.database = folder / "form.sqlite3"
        shutil.copy(environment / "made" / self.database.name, self.database)
        port = free_port()
        site = f"http://127.0.0.1:{port}"
        self.url = f"{site}/api/events/pulse"
        command = [self.python, "-m", "pretalx", "runserver", f"127.0.0.1:{port}", "--noreload", "--insecure"]
        self.variables = {"PRETALX_CONFIG_FILE": str(HERE / "pretalx" / "pretalx.cfg"), "PRETALX_SITE_URL": site}
        self.process = Process(command, folder, folder / "server.log", self.variables)

    @property
    def token(self) -> str:
        """The reader's."""
        ((token,),) = ask.rows(self.database, "select token from person_userapitoken")
        return str(token)

    def hand_in(self, first: int, end: int) -> None:
        """Hand in the forms numbered `first` to `end` - 1: the last of them now, the others two hours apart before it."""
        run([self.python, str(HERE / "pretalx" / "seed.py"), str(first), str(end)], self.folder, **self.variables)

    def start(self) -> None:
        """Start, or start again with everything that was there."""
        self.process.start()
        self.process.wait_for_url(f"{self.url}/")

    def stop(self) -> None:
        """End it."""
        self.process.stop()
