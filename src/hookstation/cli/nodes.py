"""Commands on the nodes that work on one database: list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.speaking import json_option, one_call, out, say, settings_of, station_options, table
from hookstation.core.values import JSON

SHOWN: Final = ("id", "role", "address", "version", "started_at", "seen_at")


@click.group()
def nodes() -> None:
    """The nodes that work on the database: list."""


@nodes.command("list")
@json_option
@station_options
def list_nodes(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List the nodes that are alive, the longest there first.

    The times are the database's. A node that has not been seen for some seconds is dead, and gone from the list.
    """
    listed = one_call(settings_of(data, database_url), "GET", "/nodes")
    if as_json:
        out({"items": listed["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", listed["items"])
    if not shown:
        say("No node is alive; hookstation serve starts one.")
        return
    rows = [[str(one[name]) for name in SHOWN] for one in shown]
    table(rows, ("ID", "ROLE", "ADDRESS", "VERSION", "STARTED", "SEEN"))


COMMANDS: Final[tuple[click.Command, ...]] = (nodes,)
