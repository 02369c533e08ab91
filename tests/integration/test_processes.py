"""What the fixtures promise: a server ends with its test, whatever it left behind is seen, and so is a missing runtime in CI."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.install import Missing
from tests.integration.processes import Process, descendants, free_port, listening
from tests.integration.serving import ended, needed

READY = "print('READY', flush=True)"


def a_server(folder: Path, host: str, port: int) -> Process:
    serve = f"import socket, signal; s = socket.create_server(('{host}', {port})); {READY}; signal.pause()"
    server = Process([sys.executable, "-c", serve], folder, folder / "server.log")
    server.start()
    server.wait_for_line("READY")
    return server


def test_a_server_ends_with_a_test_that_fails(tmp_path: Path) -> None:
    before, port = descendants(), free_port()
    started: set[int] = set()

    def failing_test() -> None:
        with ended(lambda: a_server(tmp_path, "127.0.0.1", port)):
            started.update(descendants().keys() - before.keys())
            assert listening(started) == {("0100007F", port)}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing_test()
    assert len(started) == 1
    assert not started & descendants().keys()


def test_an_address_that_others_may_reach_is_told_from_loopback(tmp_path: Path) -> None:
    before, port = descendants(), free_port()
    with ended(lambda: a_server(tmp_path, "127.0.0.2", port)):
        assert listening(descendants().keys() - before.keys()) == {("0200007F", port)}


def test_what_a_server_started_in_a_session_of_its_own_is_seen_after_its_end(tmp_path: Path) -> None:
    before = descendants()
    child = "import signal; signal.pause()"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{child}'], start_new_session=True); {READY}"
    server = Process([sys.executable, "-c", start], tmp_path, tmp_path / "server.log")
    server.start()
    server.wait_for_line("READY")
    server.stop()
    ((process, command),) = [(process, command) for process, command in descendants().items() if process not in before]
    assert command.endswith(child)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)  # it has become a child of this process


def test_a_missing_runtime_skips_a_test_but_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> None:
        raise Missing("vendure needs node, which is not on this machine")

    monkeypatch.delenv("SERVERS_EXPECTED", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs node"):
        needed(make)
    monkeypatch.setenv("SERVERS_EXPECTED", "1")
    with pytest.raises(pytest.fail.Exception, match="although it should be"):
        needed(make)
