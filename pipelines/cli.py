"""The `engagement` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from pipelines import generate_cli, privacy_cli, renewal
from pipelines.database import DATABASE
from pipelines.erasure import ErasureError
from pipelines.publish import REPORT, PublishError, current, list_releases
from pipelines.publish import rollback as roll_back
from pipelines.rotation import RotationError
from pipelines.settings import PROJECT, Config, ConfigError, Settings, load_settings
from pipelines.sources.connection import Connection, FileConnection, SourceError
from pipelines.sources.files import require_reach
from pipelines.sources.live import LiveConnection
from pipelines.sources.places import matching
from pipelines.store import Store

app = typer.Typer(
    help="Engagement Pipelines: land, build, check and publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
connect = typer.Typer(help="Look at a live connection.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(connect, name="connect")
console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)


def _plain_errors(command: Callable[..., None]) -> Callable[..., None]:
    """A user's mistake is told in one line each, never as a stack trace."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ConfigError, ErasureError, PublishError, RotationError, SourceError) as error:
            for line in str(error).splitlines():
                console.print(f"[bold red]error[/] {escape(line)}", soft_wrap=True)
            raise typer.Exit(2) from None

    return wrapped


def _day(value: str | None, option: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ConfigError(f"{option} {value!r} is not a day; write YYYY-MM-DD") from None


def _in_history(day: date, config: Config, yesterday: date) -> None:
    """A night is for a day that has a partition and is over."""
    if not config.company.first_day <= day <= yesterday:
        raise ConfigError(
            f"there is no night for {day}: the history runs from {config.company.first_day} (first_day in connections.yaml) "
            f"to yesterday, {yesterday}"
        )


@app.command()
@_plain_errors
def run(
    day: Annotated[str | None, typer.Option("--date", help="Run the nightly job for this day only (YYYY-MM-DD).")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day to land in the backfill run.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day to land in the backfill run.")] = None,
    accept_shrink: Annotated[
        bool, typer.Option(help="Take it as right that rows are gone or a day has far fewer than usual.")
    ] = False,
) -> None:
    """Land everything the connections have, then run the nightly job for the last day and publish."""
    settings = load_settings()
    config = settings.config()
    settings.keys()
    chosen, first, last = _day(day, "--date"), _day(start, "--from"), _day(end, "--to")
    if chosen and (first or last):
        raise ConfigError("--date runs one night; it cannot be combined with --from and --to")
    from pipelines import night

    first, last = first or config.company.first_day, last or night.yesterday(config)
    if first > last:
        raise ConfigError(f"the first day {first} lies after the last day {last}")
    if chosen:
        _in_history(chosen, config, night.yesterday(config))
    began = datetime.now()
    console.print(f"[bold]{escape(config.company.name)}[/]: {len(config.connections)} connections, data in {settings.home}")
    for orphan in night.orphans(settings, config):
        console.print(f"[yellow]warning[/] {orphan}", soft_wrap=True)
    _tell_what_was_cut_off(settings)
    night.dagster_home(settings)
    from pipelines.definitions import defs

    definitions = defs()
    outcomes = []
    if chosen is None:
        console.print("[bold]backfill[/] landing the whole history in one run")
        outcomes.append(night.run_backfill(definitions, settings.home / "backfill.log", first, last, accept_shrink))
        newest = night.last_landed_day(settings, config)
        if newest is None and outcomes[0].success:
            raise ConfigError("nothing has landed: the drop folders of all connections are empty")
        chosen = min(newest or last, last)
    if all(outcome.success for outcome in outcomes):
        _in_history(chosen, config, night.yesterday(config))
        console.print(f"[bold]nightly[/] for {chosen}")
        outcomes.append(night.run_nightly(definitions, settings.home / "nightly.log", chosen, accept_shrink))
    _summary(settings, config, outcomes, (datetime.now() - began).total_seconds())
    if not all(outcome.success for outcome in outcomes):
        raise typer.Exit(1)


def _summary(settings: Settings, config: Config, outcomes: list[Any], seconds: float) -> None:
    from pipelines import night

    landing = RichTable("source", "connections", "rows landed", "quarantined", title="Landing zone", title_justify="left")
    for row in night.landed_rows(settings, config):
        landing.add_row(row.source, str(row.connections), f"{row.rows:,}", f"{row.quarantined:,}")
    for column in landing.columns[1:]:
        column.justify = "right"
    console.print(landing)
    for outcome in outcomes:
        state = "[green]succeeded[/]" if outcome.success else "[bold red]failed[/]"
        console.print(
            f"{outcome.job}: {state}, checks: {outcome.passed:,} passed, "
            f"{len(outcome.warned)} held rows back, {sum(map(len, outcome.failed.values()))} failed"
        )
        for line in outcome.warned:
            console.print(f"  [yellow]held back[/] {escape(line)}", soft_wrap=True)
        for what, checks in outcome.failed.items():
            more = f" and {len(checks) - 1} more" if len(checks) > 1 else ""
            console.print(f"  [bold red]failed[/] {escape(f'{what} [{checks[0]}{more}]')}", soft_wrap=True)
        for line in () if outcome.failed else dict.fromkeys(outcome.reasons):
            console.print(f"  [bold red]failed[/] {escape(line)}", soft_wrap=True)
    published = next((release for release in list_releases(settings.home) if release.is_current), None)
    if not all(outcome.success for outcome in outcomes):
        console.print(
            "Nothing was published; "
            + (f"the last good release stays: {published.name}." if published else "there is no release yet.")
        )
        console.print("Look closer: [bold]engagement quarantine[/], or the run in the UI: [bold]make dev[/]")
        return
    if published:
        table = RichTable("published table", "rows", title=f"Release {published.name}", title_justify="left")
        table.columns[1].justify = "right"
        for name, rows in published.tables.items():
            table.add_row(name, f"{rows:,}")
        console.print(table)
        console.print(
            f"Done in {seconds:.0f} s. The tables lie in [bold]{_relative(settings.home)}/releases/current[/]: "
            "engagement.duckdb, parquet/, csv/"
        )
        console.print(f"Read: open [bold]{_relative(settings.home)}/releases/current/{REPORT}[/] in a browser")
        console.print(
            f"Query: any BI tool, DuckDB or Python on [bold]{_relative(settings.home)}/releases/current/engagement.duckdb[/]"
        )
        console.print("Watch: [bold]make dev[/] opens the Dagster UI on http://127.0.0.1:3000")


def _tell_what_was_cut_off(settings: Settings) -> None:
    if renewal.is_due(settings.home):
        text = "an erasure or a change of keys was cut off; call [bold]engagement erase[/] without a subject to end it"
        console.print(f"[yellow]warning[/] {text}", soft_wrap=True)


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@app.command()
@_plain_errors
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI on this machine, with the schedule's daemon, until Ctrl-C."""
    settings = load_settings()
    settings.config()
    from pipelines import night

    night.dagster_home(settings)
    dagster = str(Path(sys.executable).with_name("dagster"))
    os.execv(dagster, [dagster, "dev", "-h", "127.0.0.1", "-p", str(port), "-w", str(PROJECT / "workspace.yaml")])


@app.command()
@_plain_errors
def doctor() -> None:
    """Say in plain words what is missing or wrong."""
    settings = load_settings()
    config = settings.config()
    settings.keys()
    wrong = 0
    for name, connection in config.connections.items():
        try:
            state = _state(connection, settings)
        except SourceError as error:
            wrong += 1
            state = f"[bold red]wrong[/] {escape(str(error))}"
        console.print(f"{name} ({connection.source}/{connection.kind}): {state}", soft_wrap=True)
    from pipelines import night

    for orphan in night.orphans(settings, config):
        console.print(f"[yellow]warning[/] {orphan}", soft_wrap=True)
    _tell_what_was_cut_off(settings)
    if settings.lake is not None:
        try:
            require_reach(settings.lake)
            console.print(f"landing zone in {settings.lake}: [green]ok[/]", soft_wrap=True)
        except SourceError as error:
            wrong += 1
            console.print(f"[red]landing zone[/] {error}", soft_wrap=True)
    console.print(f"data in {_relative(settings.home)}, {len(list_releases(settings.home))} releases")
    if settings.key_employee is None:
        console.print(
            "pseudonym keys: made at random and kept beside the data; set ENGAGEMENT_KEY_* before you rely on them (.env.example)"
        )
    if wrong:
        raise typer.Exit(1)


def _state(connection: Connection, settings: Settings) -> str:
    """What `doctor` says of a connection that can be read; SourceError where it cannot."""
    from pipelines.sources import files

    if isinstance(connection, FileConnection):
        found = files.drop_files(connection.path, connection.pattern)
        return f"[green]ok[/] {len(found)} files" if found else "[yellow]no files yet[/]"
    names = connection.secret_names() if isinstance(connection, LiveConnection) else []
    missing = settings.secrets().missing(names)
    if missing:
        raise SourceError(f"the environment variable {', '.join(missing)} is not set")
    return f"[green]ok[/] secrets are set; `engagement connect try {connection.name}` asks the source"


@connect.command("try")
@_plain_errors
def try_(name: Annotated[str, typer.Argument(help="The connection's name in connections.yaml.")]) -> None:
    """Pull one page of each list of a live connection and show what would land. Writes nothing."""
    from pipelines.sources.http import Clock
    from pipelines.sources.trial import SHOWN, try_connection

    settings = load_settings()
    connections = settings.config().connections
    connection = connections.get(name)
    if connection is None:
        raise ConfigError(f"there is no connection {name!r}; connections.yaml has {', '.join(connections)}")
    if not isinstance(connection, LiveConnection):
        raise ConfigError(f"{name} reads files; `engagement doctor` says whether they are there")
    wrong = False
    for page in try_connection(connection, settings.secrets(), Clock(), lambda line: console.print(line, markup=False)):
        console.print(f"[bold]{escape(page.label)}[/]: {page.records} records")
        for table in page.tables:
            console.print(f"  [bold]{table.table}[/]: {table.count} rows{f', the first {SHOWN}:' if table.count > SHOWN else ''}")
            for row in table.rows:
                cells = ", ".join(f"{column}={value}" for column, value in row.items())
                console.print(f"    {cells}", markup=False, soft_wrap=True)
            for line in table.unreadable:
                console.print(f"    [bold red]cannot be read[/] {escape(line)}", soft_wrap=True)
            if table.missing:
                console.print(f"    [bold red]missing[/] {', '.join(table.missing)}: the contract wants them in every row")
            if table.blank:
                console.print(f"    [dim]not filled: {', '.join(table.blank)}[/]", soft_wrap=True)
            wrong = wrong or bool(table.unreadable or table.missing)
        if page.ignored:
            console.print(f"  [yellow]ignored[/] fields of the source: {escape(', '.join(page.ignored))}", soft_wrap=True)
    console.print("nothing was written")
    if wrong:
        raise typer.Exit(1)


@app.command()
@_plain_errors
def releases() -> None:
    """List the releases kept, newest first."""
    for release in list_releases(load_settings().home):
        mark = "[bold green]current[/]" if release.is_current else "       "
        console.print(f"{release.name}  {mark}  {len(release.tables)} tables, {sum(release.tables.values()):,} rows")


@app.command()
@_plain_errors
def report(
    file: Annotated[
        Path | None, typer.Argument(help="Where to write the page; report.html in the data folder if left out.")
    ] = None,
) -> None:
    """Draw the report page from the current release."""
    from pipelines.report.page import render

    settings = load_settings()
    release = current(settings.home)
    target = file or settings.home / REPORT
    page = render(release.path / DATABASE, release.name, company=settings.config().company.name)
    target.write_text(page, encoding="utf-8")
    console.print(f"wrote {_relative(target)} from {release.name}; open it in a browser", soft_wrap=True)


@app.command()
@_plain_errors
def rollback(
    release: Annotated[
        str | None, typer.Argument(help="The release to go back to; the one before the current if left out.")
    ] = None,
) -> None:
    """Point `current` at an earlier release."""
    made = roll_back(load_settings().home, release)
    console.print(f"current is now {made.name}; the next successful night publishes a new release")


@app.command()
@_plain_errors
def quarantine(
    table: Annotated[str | None, typer.Argument(help="A landing table such as ec.orders; all if left out.")] = None,
) -> None:
    """Show the rows held back at the door, and why."""
    import duckdb

    settings = load_settings()
    store = Store(settings.home, settings.lake)
    files = [str(file) for file in matching(store.quarantine, "*/*/month=*/*.parquet")]
    if not files:
        console.print("nothing has been landed yet")
        return
    query = """select source_table, connection, change_date, key, rule, reason from read_parquet(?)
        where ? is null or source_table = ? order by all"""
    with duckdb.connect() as sql:
        store.attach(sql)
        rows = sql.execute(query, [files, table, table]).fetchall()
    for source_table, connection, changed, key, rule, reason in rows:
        console.print(f"{source_table} {connection} {changed or 'no day'} {key} [{rule}] {reason}", markup=False, soft_wrap=True)
    console.print(f"{len(rows)} rows held back")


app.command()(_plain_errors(privacy_cli.erase))
app.command()(_plain_errors(privacy_cli.rotate_keys))
app.command()(_plain_errors(generate_cli.generate))


@app.command()
@_plain_errors
def docs(check: Annotated[bool, typer.Option("--check", help="Only say which pages are out of date.")] = False) -> None:
    """Write docs/tables.md and docs/landing.md from the dbt project and the landing contract."""
    from pipelines.docs import write_docs

    stale = write_docs(load_settings(), check=check)
    for page in stale:
        console.print(f"{'out of date: ' if check else 'wrote '}{page.relative_to(PROJECT)}")
    if check and stale:
        console.print("run [bold]make docs[/] and commit the pages")
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
