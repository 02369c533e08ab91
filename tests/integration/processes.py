"""A server as a process of its own: started on a free loopback port, waited for, ended by its own process id.

What belongs to this process is told by the kernel (/proc), so that nothing a server started itself is overlooked.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STARTING = 180  # seconds; a machine that also builds something else is slow
ENDING = 20  # seconds
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
LISTEN = "0A"  # state of a socket in /proc/net/tcp


def free_port() -> int:
    """A loopback port that nobody listens on, of those the kernel gives to nobody by itself (ephemeral ones begin at 32768)."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            except OSError:
                continue
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
        """Start it where it does not run, in a process group of its own: what it starts itself ends with it."""
        if self.running is not None and self.running.poll() is None:
            return
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
        """Wait until a whole line that begins with `mark` is in the log; the rest of that line comes back."""
        line = re.compile(rf"^{re.escape(mark)}(.*)\n", re.MULTILINE)
        self.wait_until(lambda: line.search(self.said()) is not None)
        return line.findall(self.said())[-1].strip()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until it is; AssertionError with the end of the log when the process ends or `STARTING` is over."""
        assert self.running is not None
        deadline = time.monotonic() + STARTING
        while True:
            has_ended = self.running.poll() is not None  # first: what it said before it ended counts
            if is_ready():
                return
            assert not has_ended, f"{self.command[0]} ended:\n{self.said()[-4000:]}"
            assert time.monotonic() < deadline, f"{self.command[0]} did not start within {STARTING} s:\n{self.said()[-4000:]}"
            time.sleep(0.05)

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
            self.running.wait(timeout=ENDING)
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


def adopt_orphans() -> None:
    """From now on a descendant whose parent has ended becomes a child of this process, not of the machine's first one."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def descendants() -> dict[int, str]:
    """The command of every living process below this one, by process id."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:  # ended meanwhile
            continue
        if state != "Z":
            parents[int(folder.name)], commands[int(folder.name)] = int(parent), command
    found: set[int] = set()
    below = {os.getpid()}
    while below := {process for process, parent in parents.items() if parent in below} - found:
        found |= below
    return {process: commands[process] for process in sorted(found)}


def listening(processes: Iterable[int]) -> set[tuple[str, int]]:
    """Address (as the kernel writes it: hexadecimal) and port of every TCP socket that these processes listen on."""
    inodes = {inode for process in processes for inode in _sockets(process)}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    found = [row[1].split(":") for row in rows if row[3] == LISTEN and row[9] in inodes]
    return {(address, int(port, 16)) for address, port in found}


def _sockets(process: int) -> Iterator[str]:
    for handle in Path(f"/proc/{process}/fd").glob("*"):
        try:
            target = os.readlink(handle)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]
