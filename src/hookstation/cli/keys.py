"""Commands on keys of the API: add, list, revoke."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.speaking import (
    ask,
    json_option,
    one_call,
    out,
    place,
    say,
    settings_of,
    station_options,
    table,
    write,
)
from hookstation.core.values import JSON


@click.group()
def keys() -> None:
    """Keys of the API: add, list, revoke."""


@keys.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(["administrator"]), help="What it may do.")
@json_option
@station_options
def add_key(name: str, role: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Make a key of the API and print it, this once."""
    made = one_call(settings_of(data, database_url), "POST", "/keys", {"name": name, "role": role})
    if as_json:
        out(cast("JSON", made))
    else:
        write(str(made["key"]))
        say("Keep it now: it is not shown again.")


@keys.command("list")
@json_option
@station_options
def list_keys(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List keys by name; what would open them is not kept."""
    listed = one_call(settings_of(data, database_url), "GET", "/keys")
    if as_json:
        out({"items": listed["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", listed["items"])
    table([[str(one[k]) for k in ("name", "role", "created_at")] for one in shown], ("NAME", "ROLE", "MADE"))


@keys.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def revoke(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Revoke a key: it opens nothing any more, on any node.

    At once, and for good; its name is free again. On a terminal it asks first, unless --yes.
    """
    path = place("/keys", "key", name)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Revoke the key {name}? What uses it is refused at once.", abort=True, err=True)
    ask(settings_of(data, database_url), lambda control: control.call("DELETE", path))
    if as_json:
        out({"revoked": name})
    say(f"Revoked: {name}.")


COMMANDS: Final[tuple[click.Command, ...]] = (keys,)
