"""Where files lie: a folder of this machine, or `s3://bucket/folder`.

A place on this machine is a `Path`, one in an object store a `UPath` over s3fs; both are walked and read in the same words. Keys,
endpoint and region come from the environment alone, under the names that every client of S3 reads (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, `AWS_DEFAULT_REGION`), or from the machine's role.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BeforeValidator
from upath import UPath


def place(value: object) -> object:
    """A text as the place it names; ValueError where there is no way to it."""
    text = str(value)
    if "://" not in text:
        return value if isinstance(value, Path) else Path(text)
    if not text.startswith("s3://") or not text.removeprefix("s3://").strip("/"):
        raise ValueError(f"{text} is no place to read or write; use a folder, or s3://bucket/folder")
    if find_spec("s3fs") is None:
        raise ValueError(f"{text} needs the extra s3: pip install 'engagement-pipelines[s3]'")
    # Another process may write there as well: what was listed a moment ago may be out of date.
    return value if isinstance(value, UPath) else UPath(text.rstrip("/"), protocol="s3", use_listings_cache=False)


Place = Annotated[Path | UPath, BeforeValidator(place)]


def matching(folder: Path | UPath, pattern: str) -> list[Path | UPath]:
    """The files below `folder` that match `pattern`, sorted by name; of an object store by one listing, not one per folder."""
    if isinstance(folder, Path):
        return list[Path | UPath](sorted(folder.glob(pattern)))
    base, depth = f"{folder.path}/", pattern.count("/")
    names = sorted(path.removeprefix(base) for path in folder.fs.find(base))
    return [folder / name for name in names if name.count("/") == depth and PurePosixPath(name).match(pattern)]


def failures() -> tuple[type[Exception], ...]:
    """What reading or writing at a place may raise: the client of S3 has errors of its own."""
    if find_spec("botocore") is None:
        return (OSError,)
    from botocore.exceptions import BotoCoreError

    return (OSError, BotoCoreError)
