"""The command that makes up a company: `engagement generate`, as export files, or as a landing zone with `--scale`."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.settings import PROJECT, ConfigError

console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)


def generate(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to write the files; the project's data_samples if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = 1,
    times: Annotated[float, typer.Option(help="1 is the shipped samples, 10 a company ten times as large.")] = 1.0,
    scale: Annotated[
        int | None, typer.Option(help="Instead of export files, a landing zone of about so many order lines in two years.")
    ] = None,
    days: Annotated[int, typer.Option(help="Length of the history.")] = 730,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")] = datetime(2024, 10, 1),
) -> None:
    """Write a fictitious company's exports and the truths planted in them, or with --scale a landing zone of any size."""
    from pipelines.generate import generate as write

    try:
        if scale is not None:
            _generate_scale(folder, scale, seed, days, start.date())
            return
        folder = folder or PROJECT / "data_samples"
        write(folder, seed=seed, scale=times, days=days, start=start.date())
    except ValueError as error:
        raise ConfigError(str(error)) from None
    console.print(f"wrote {folder}; what is planted stands in {folder / 'truth.json'}")


def _generate_scale(folder: Path | None, lines: int, seed: int, days: int, start: date) -> None:
    from pipelines.generate.scale import generate_scale
    from pipelines.generate.scale_sql import Scale

    if folder is None:
        raise ConfigError("--scale writes a landing zone of its own: name the folder it is to lie in")
    scale = Scale(lines, seed, days, start)
    landed = generate_scale(folder.resolve(), scale)
    console.print(f"wrote {landed:,} order lines up to {scale.last} into {folder / 'data' / 'landing'}")
    console.print(
        f"Build it: ENGAGEMENT_HOME={folder / 'data'} ENGAGEMENT_CONNECTIONS={folder / 'connections.yaml'} "
        f"engagement run --date {scale.day(days)}",
        soft_wrap=True,
    )
