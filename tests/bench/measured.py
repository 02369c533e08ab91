"""Runs a command and measures it: wall time, CPU time and peak memory of its whole process tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.2  # seconds between two looks at the memory
TAIL = 3_000  # characters of the output shown when a command fails


@dataclass(frozen=True)
class Measured:
    """Seconds on the clock and of CPU (all processes, user and system), and the greatest memory in bytes at one moment."""

    wall: float
    cpu: float
    peak: int


def measure(command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> Measured:
    """Run `command` in `folder` to its end, output to `log`; RuntimeError with the end of the output when it fails."""
    with log.open("w", encoding="utf-8") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
        peak, ended = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read_text(encoding='utf-8')[-TAIL:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak[0])


def _watch(root: int, peak: list[int], ended: threading.Event) -> None:
    """Keep the greatest memory of all processes together, or of one of them: that the kernel knows between two looks, too.

    Not by `ru_maxrss`, which begins with what this process takes.
    """
    while not ended.wait(EVERY):
        members = _tree(root)
        shares = [_kilobytes(pid, "smaps_rollup", "Pss:") for pid in members]
        peaks = [_kilobytes(pid, "status", "VmHWM:") for pid in members]
        peak[0] = max(peak[0], 1024 * sum(shares), 1024 * max(peaks))


def _tree(root: int) -> list[int]:
    """The process `root` and all below it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    members, found = [root], {root}
    for member in members:
        new = [pid for pid, parent in parents.items() if parent == member and pid not in found]
        members += new
        found.update(new)
    return members


def _kilobytes(pid: int, file: str, name: str) -> int:
    """A figure the kernel tells of a process: `Pss:` has pages that several share divided among them."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(name))
