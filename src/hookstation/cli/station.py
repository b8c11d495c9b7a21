"""Commands on the station itself: serve, demo, sandbox, settings, doctor, migrate, backup, restore."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, cast

import click

from hookstation.cli.speaking import (
    backend,
    json_option,
    one_call,
    out,
    say,
    settings_of,
    station_options,
    table,
    text_of,
)
from hookstation.config.settings import effective
from hookstation.core.values import JSON
from hookstation.errors import HookstationError

PORT = click.IntRange(0, 65_535)


@click.command()
@click.option("--host", metavar="H", help="The address to listen on (127.0.0.1).")
@click.option("--port", type=PORT, metavar="P", help="The port to listen on (8080); 0 picks a free one.")
@click.option("--tls-cert", metavar="F", help="Certificate file for HTTPS.")
@click.option("--tls-key", metavar="F", help="Key file for HTTPS.")
@click.option(
    "--role", type=click.Choice(["all"]), default="all", help="What this process does; one machine does all."
)
@station_options
def serve(
    host: str | None,
    port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
    role: str,
    data: str | None,
    database_url: str | None,
) -> None:
    """Run the station. SIGTERM: stop accepting, finish, exit 0."""
    del role
    backend().serve(
        settings_of(
            data,
            database_url,
            host=host,
            port=None if port is None else str(port),
            tls_cert=tls_cert,
            tls_key=tls_key,
        )
    )


@click.command()
@click.option("--port", type=PORT, metavar="P", help="The port to listen on (8080); 0 picks a free one.")
@station_options
def demo(port: int | None, data: str | None, database_url: str | None) -> None:
    """Run a station with an iMIS stand-in and ready webhooks, in ./demo-data."""
    backend().demo(settings_of(data or "./demo-data", database_url, port=None if port is None else str(port)))


@click.command()
@click.option(
    "--port", type=PORT, default=8090, show_default=True, metavar="P", help="The port; 0 picks a free one."
)
def sandbox(port: int) -> None:
    """Run the iMIS stand-in: user manager, password sandbox. Its records are gone when it ends."""
    try:
        backend().sandbox(port)
    except HookstationError as failure:
        say(f"error: {failure.message}")
        sys.exit(1)


@click.command()
@json_option
@station_options
def settings(as_json: bool, data: str | None, database_url: str | None) -> None:
    """The effective settings with where each comes from; secrets masked."""
    found = effective({"data": data, "database_url": database_url}, os.environ)
    if as_json:
        items: list[JSON] = [
            {
                "name": one.spec.name,
                "value": one.shown(),
                "source": one.source,
                "problem": one.problem or None,
                "variable": one.spec.variable,
            }
            for one in found
        ]
        out({"items": items})
    else:
        rows = [[one.spec.name, text_of(one.shown()), one.source, one.problem] for one in found]
        table(rows, ("SETTING", "VALUE", "FROM", "PROBLEM"))
    if any(one.problem for one in found):
        sys.exit(1)


@click.command()
@json_option
@station_options
def doctor(as_json: bool, data: str | None, database_url: str | None) -> None:
    """Look at everything that a station needs, and say what is wrong and what to do."""
    found = backend().examine(settings_of(data, database_url))
    if as_json:
        items: list[JSON] = [{"what": what, "well": well, "detail": detail} for what, well, detail in found]
        out({"items": items, "well": all(well for _, well, _ in found)})
    else:
        table(
            [[what, "well" if well else "WRONG", detail] for what, well, detail in found],
            ("WHAT", "", "DETAIL"),
        )
    if not all(well for _, well, _ in found):
        sys.exit(1)


@click.command()
@station_options
def migrate(data: str | None, database_url: str | None) -> None:
    """Bring the database to this version (done at every start too)."""
    say(backend().migrate(settings_of(data, database_url)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@station_options
def backup(file: Path, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Copy the database to FILE, while the station runs or not. The master key is not in it: keep that apart."""
    made = one_call(
        settings_of(data, database_url), "POST", "/backup", {"path": str(file.expanduser().absolute())}
    )
    if as_json:
        out(cast("JSON", made))
    say(
        f"Written: {made['path']}. The master key is not in it; without that key its secrets cannot be opened."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@station_options
def restore(file: Path, data: str | None, database_url: str | None) -> None:
    """Put a backup in the place of the database; the station must not run. What was there is kept beside it."""
    say(backend().restore(settings_of(data, database_url), file))


COMMANDS: Final[tuple[click.Command, ...]] = (
    serve,
    demo,
    sandbox,
    settings,
    doctor,
    migrate,
    backup,
    restore,
)
