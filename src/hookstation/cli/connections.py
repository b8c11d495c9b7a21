"""Commands on connections to target systems: list, check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.speaking import (
    json_option,
    one_call,
    out,
    place,
    settings_of,
    station_options,
    table,
    text_of,
    write,
)
from hookstation.core.values import JSON


@click.group()
def connections() -> None:
    """Connections to target systems: list, check."""


@connections.command("list")
@json_option
@station_options
def list_connections(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List connections, secrets masked."""
    page = one_call(settings_of(data, database_url), "GET", "/connections", None, {"limit": "1000"})
    if as_json:
        out({"items": page["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", page["items"])
    rows = [[str(one["name"]), str(one["type"]), text_of(one.get("url", "built in"))] for one in shown]
    table(rows, ("NAME", "TYPE", "URL"))


@connections.command()
@click.argument("name")
@json_option
@station_options
def check(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Try a connection, and ask it anew for its fields."""
    path = place("/connections", "connection", name)
    checked = one_call(settings_of(data, database_url), "POST", f"{path}/check")
    if as_json:
        out(cast("JSON", checked))
    else:
        write(str(checked["reached"]))


COMMANDS: Final[tuple[click.Command, ...]] = (connections,)
