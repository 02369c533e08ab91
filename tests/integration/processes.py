"""A server as a process of its own: started on a free loopback port, waited for, ended by its own process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

STARTING = 180  # seconds; a machine that also builds something else is slow


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A command that serves until it is ended; what it prints goes to `log`."""

    command: list[str]
    folder: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a process group of its own: what it starts itself ends with it."""
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for_url(self, url: str) -> None:
        """Wait until something answers there, whatever the status."""
        self.wait_until(lambda: _answers(url))

    def wait_for_line(self, mark: str) -> str:
        """Wait until a line that begins with `mark` is in the log; the rest of that line comes back."""
        self.wait_until(lambda: f"\n{mark}" in f"\n{self.said()}")
        return f"\n{self.said()}".rpartition(f"\n{mark}")[2].splitlines()[0].strip()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until it is; AssertionError with the end of the log when the process ends or `STARTING` is over."""
        deadline = time.monotonic() + STARTING
        while not is_ready():
            assert self.running is not None
            assert self.running.poll() is None, f"{self.command[0]} ended:\n{self.said()[-4000:]}"
            assert time.monotonic() < deadline, f"{self.command[0]} did not start within {STARTING} s:\n{self.said()[-4000:]}"
            time.sleep(0.2)

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end; end it when it does not."""
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.running is None:
            return
        if self.running.poll() is None:
            os.killpg(self.running.pid, how)
            self.running.wait(timeout=10)
        self.running = None


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run a command to its end; what it printed comes back, AssertionError when it failed."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout
