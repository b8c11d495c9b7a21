"""Commands on the versions of an inbound webhook: history and rollback."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.speaking import (
    json_option,
    one_call,
    out,
    place,
    say,
    settings_of,
    station_options,
    table,
    text_of,
)
from hookstation.core.values import JSON


@click.command()
@click.argument("name")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), metavar="N", default=50, help="How many at most (50)."
)
@click.option(
    "--version",
    "number",
    type=click.IntRange(1),
    metavar="VERSION",
    help="What this one changed, setting by setting.",
)
@json_option
@station_options
def history(
    name: str, limit: int, number: int | None, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Show who changed a webhook, and when.

    The newest version that is published is what is live. With --version it shows what that version has otherwise than
    the one before; of a secret it only says that it is another one.
    """
    path, settings = f"{place('/webhooks', 'webhook', name)}/versions", settings_of(data, database_url)
    if number is None:
        told = one_call(settings, "GET", path, None, {"limit": str(limit)})
        head: Sequence[str] = ("VERSION", "SAVED", "BY", "STATE", "NOTE")
        row: Sequence[str] = ("version", "at", "by", "state", "note")
    else:
        told = one_call(settings, "GET", f"{path}/{number}/differences")
        head, row = ("SETTING", "CHANGE", "BEFORE", "AFTER"), ("path", "change", "before", "after")
    if as_json:
        out({"items": told["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", told["items"])
    table([[text_of(one[key]) for key in row] for one in shown], head)


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def rollback(
    name: str, version: int, yes: bool, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Put an old version of a webhook live again, as a new one.

    It is checked as every change is. On a terminal it asks first, unless --yes.
    """
    path = f"{place('/webhooks', 'webhook', name)}/rollback"
    if not yes and sys.stdin.isatty():
        click.confirm(f"Put version {version} of {name} live at once?", abort=True, err=True)
    live = one_call(settings_of(data, database_url), "POST", path, {"version": version})
    if as_json:
        out(cast("JSON", live))
    say(f"Version {version} of {name} is live again, as version {live['version']}.")


COMMANDS: Final[tuple[click.Command, ...]] = (history, rollback)
"""What `hookstation webhooks` has besides."""
