"""Installs the servers the integration tests run against: `python tests/integration/install.py`, all of them at once.

Each has an environment of its own below the cache folder ($SERVERS_CACHE, else .cache/integration), never
the project's: some are under the GPL or AGPL and run as processes of their own, never imported. Versions and hashes are
pinned in each server's folder here. What is installed is left alone until a file it is made of changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("SERVERS_CACHE") or HERE.parent.parent / ".cache" / "integration").resolve()
DEV_MCP = "@shopify/dev-mcp@1.16.0"  # ships the schema of Shopify's Admin API, one file per version


class Missing(Exception):
    """The runtime that a server needs is not on this machine; the message says which."""


def installed(name: str) -> Path:
    """The folder `name` is installed in, after installing it where that has not been done. Missing: no runtime for it."""
    server, folder, mark = SERVERS[name], CACHE / name, CACHE / name / "installed"
    made_of = [HERE / "install.py", *(HERE / name / file for file in server.made_of)]
    wanted = sha256(b"".join(file.read_bytes() for file in made_of)).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return folder
    for tool in server.needs:
        if shutil.which(tool) is None:
            raise Missing(f"{name} needs {tool}, which is not on this machine")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    server.install(name, folder)
    mark.write_text(wanted)
    return folder


def _python(name: str, folder: Path) -> None:
    _call([sys.executable, "-m", "venv", str(folder)], folder)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    # Not compiled: a server imports a tenth of it.
    _call([*pip, "--no-compile", "-r", str(HERE / name / "requirements.txt")], folder)


def _oscar(name: str, folder: Path) -> None:
    _python(name, folder)
    (folder / "made").mkdir()
    _call([str(folder / "bin" / "python"), "seed.py", "make"], HERE / name, SHOP_HOME=str(folder / "made"))


def _pretalx(name: str, folder: Path) -> None:
    _python(name, folder)
    made = folder / "made"
    made.mkdir()
    config = str(HERE / name / "pretalx.cfg")
    _call([str(folder / "bin" / "python"), str(HERE / name / "seed.py"), "make"], made, PRETALX_CONFIG_FILE=config)


def _node(name: str, folder: Path) -> None:
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name / file, folder / file)
    # Without scripts: what an install script would fetch from elsewhere is not needed, or is built here.
    _call(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)


def _bluesky(name: str, folder: Path) -> None:
    _node(name, folder)
    # Node's own headers, where the system has them: node-gyp would download them otherwise. Not optimised: a fifth of the time.
    prefix = Path(shutil.which("node") or "/usr/bin/node").resolve().parent.parent
    build = {"npm_config_nodedir": str(prefix), "CFLAGS": "-O0", "CXXFLAGS": "-O0", "MAKEFLAGS": ""}
    _call(["npm", "rebuild", "better-sqlite3", "--build-from-source"], folder, **build)


def _shopify(_: str, folder: Path) -> None:
    _call(["npm", "pack", DEV_MCP, "--silent"], folder)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            file = package.extractfile(member) if "/dist/data/admin_" in member.name else None
            if file is not None:
                (folder / Path(member.name).name).write_bytes(file.read())
    archive.unlink()


def _call(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


class Server(NamedTuple):
    """How a server is installed, which commands that needs, and the files in its folder that it is made of."""

    install: Callable[[str, Path], None]
    needs: tuple[str, ...]
    made_of: tuple[str, ...]


PACKAGES = ("package.json", "package-lock.json")
SERVERS = {  # the slowest first
    "bluesky": Server(_bluesky, ("node", "npm", "make", "c++"), PACKAGES),
    "vendure": Server(_node, ("node", "npm"), PACKAGES),
    "pretalx": Server(_pretalx, (), ("requirements.txt", "seed.py", "pretalx.cfg")),
    "oscar": Server(_oscar, (), ("requirements.txt", "seed.py", "settings.py", "urls.py")),
    "shopify": Server(_shopify, ("npm",), ()),
}


def main() -> int:
    """Install everything; 1 when something failed, and what failed is printed."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return max(pool.map(_told, SERVERS))


def _told(name: str) -> int:
    start = time.monotonic()
    try:
        installed(name)
    except Missing as error:
        print(f"{name}: left out: {error}", flush=True)
    except RuntimeError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return 1
    else:
        print(f"{name}: installed in {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
