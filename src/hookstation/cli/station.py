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
    options_of_a_station,
    out,
    say,
    settings_of,
    station_options,
    table,
    text_of,
)
from hookstation.config.settings import BY_NAME, effective
from hookstation.core.values import JSON
from hookstation.errors import Invalid

DEMO_FOLDER: Final = "./demo-data"

PORT = click.IntRange(0, 65_535)
LISTENING = click.option(
    "--port", type=PORT, metavar="P", help="The port to listen on (8080); 0 picks a free one."
)
FOUND = tuple[str, bool, str]


@click.command()
@click.option("--host", metavar="H", help="The address to listen on (127.0.0.1).")
@LISTENING
@click.option("--tls-cert", metavar="F", help="Certificate file (PEM) for HTTPS.")
@click.option("--tls-key", metavar="F", help="Key file (PEM) for HTTPS.")
@click.option(
    "--role",
    type=click.Choice(BY_NAME["role"].choices),
    help="web takes calls, worker works on what is unfinished, all does both (all).",
)
@station_options
def serve(
    host: str | None,
    port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
    role: str | None,
    data: str | None,
    database_url: str | None,
) -> None:
    """Run the station until SIGTERM or Ctrl-C.

    When it can be called it says so in one line on stdout; its log goes to stderr. Ended by a signal it takes no new
    calls, finishes those under way, and exits with 0. What is not given here is taken from HOOKSTATION_HOST,
    HOOKSTATION_PORT and so on, then from hookstation.toml in the data folder: `hookstation settings` shows it all.
    """
    backend().serve(
        settings_of(
            data,
            database_url,
            host=host,
            port=None if port is None else str(port),
            tls_cert=tls_cert,
            tls_key=tls_key,
            role=role,
        )
    )


@click.command()
@LISTENING
@options_of_a_station(DEMO_FOLDER)
def demo(port: int | None, data: str | None, database_url: str | None) -> None:
    """Run a station with an iMIS stand-in and ready webhooks.

    Prints their URLs, a call that works, one that is refused, and how to look. Ctrl-C ends all of it.
    """
    backend().demo(settings_of(data or DEMO_FOLDER, database_url, port=None if port is None else str(port)))


@click.command()
@click.option(
    "--port", type=PORT, default=8090, metavar="P", help="The port to listen on (8090); 0 picks a free one."
)
@click.option("--until-stdin-ends", is_flag=True, hidden=True)
@options_of_a_station("none: the stand-in keeps nothing")
def sandbox(port: int, until_stdin_ends: bool, data: str | None, database_url: str | None) -> None:
    """Run the iMIS stand-in until SIGTERM or Ctrl-C.

    The user is manager, the password sandbox. Its records are gone when it ends: `--data` and `--database-url` are
    taken as by every command, and not used.
    """
    del data, database_url
    backend().sandbox(port, until_stdin_ends=until_stdin_ends)


@click.command()
@json_option
@station_options
def settings(as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show the effective settings and where each is from.

    Secrets are masked. Broken settings are shown too, with what is wrong, and end it with 1.
    """
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
    """Look at everything that a station needs.

    Says what is wrong and what to do, and ends with 1 where anything is.
    """
    found = _examined(data, database_url)
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


def _examined(data: str | None, database_url: str | None) -> list[FOUND]:
    try:
        settings = settings_of(data, database_url)
    except Invalid as invalid:
        return [("settings", False, str(problem)) for problem in invalid.problems]
    return [("settings", True, "all can be used"), *backend().examine(settings)]


@click.command()
@json_option
@station_options
def migrate(as_json: bool, data: str | None, database_url: str | None) -> None:
    """Bring the database to this version.

    Every start does that too, and of nodes that start together one does it. A database of a newer version is refused.
    """
    done = backend().migrate(settings_of(data, database_url))
    if as_json:
        out({"database": done.database, "from": done.before, "to": done.after})
    if done.before == done.after:
        say(f"{done.database} is at this version, schema {done.after}: nothing to do.")
    else:
        say(f"{done.database}: schema {done.before} → {done.after}.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@station_options
def backup(file: Path, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Copy the database to a new FILE.

    The station may run meanwhile. The master key is not in the copy: keep it apart. On PostgreSQL it prints the pg_dump
    line to use instead, and ends with 1.
    """
    settings, target = settings_of(data, database_url), file.expanduser().absolute()
    if refusal := backend().refuse_backup(settings, target):
        say(f"error: {refusal}")
        sys.exit(1)
    made = one_call(settings, "POST", "/backup", {"path": str(target)})
    if as_json:
        out(cast("JSON", made))
    kept = f"the file {made['master_key']}" if made["master_key"] else "HOOKSTATION_MASTER_KEY"
    say(
        f"Written: {made['path']}. The master key is not in it, and nothing opens without: keep {kept} safe, "
        "apart from the backup."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@station_options
def restore(file: Path, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Put a backup in the place of the database.

    On PostgreSQL it prints the pg_restore line to use instead, and ends with 1.
    The station must not run. What was there is kept beside it. The master key of the backup's station is needed
    before the next start; where another key is there, nothing is replaced.
    """
    restored = backend().restore(settings_of(data, database_url), file)
    missing = restored.missing_key
    if as_json:
        out(
            {
                "database": str(restored.database),
                "fingerprint": restored.fingerprint,
                "master_key_missing": None if missing is None else str(missing),
            }
        )
    say("Restored. A database that was there before is kept beside it, under its name with .before-restore.")
    if missing is not None:
        say(
            "warning: the master key is not here. Put the one with the fingerprint "
            f"{restored.fingerprint} at {missing}, or give it as HOOKSTATION_MASTER_KEY, before the station starts: "
            "nothing opens without it."
        )


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
