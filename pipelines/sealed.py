"""Files that are finished: read-only, sure to be on the disk, and known by their checksum."""

from __future__ import annotations

import os
from hashlib import file_digest
from pathlib import Path


def seal(path: Path) -> str:
    """Make a file read-only and sure to be on the disk; its checksum."""
    path.chmod(0o444)
    checksum = digest(path)
    synced(path)
    return checksum


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def synced(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
