"""The command by which a person or a program says that something happened."""

from __future__ import annotations

from typing import IO, Final, cast

import click

from hookstation.cli.reading import read_json
from hookstation.cli.speaking import json_option, one_call, out, settings_of, station_options, write
from hookstation.core.values import JSON


@click.command("raise")
@click.argument("type_", metavar="TYPE")
@click.option(
    "--payload",
    required=True,
    type=click.File("rb"),
    metavar="FILE",
    help="The facts, a JSON object or array; - is stdin.",
)
@click.option("--key", default="", metavar="K", help="A repeat under the same key has no second effect.")
@json_option
@station_options
def raise_event(
    type_: str,
    payload: IO[bytes],
    key: str,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Tell subscribers that something happened.

    TYPE is made of words with dots between, such as order.paid. The event is kept, and delivered to every destination
    with a subscription that wants it.
    """
    body: dict[str, JSON] = {"type": type_, "data": read_json(payload), "key": key}
    raised = one_call(settings_of(data, database_url), "POST", "/events", body)
    if as_json:
        out(cast("JSON", raised))
    elif raised["repeated"]:
        write(f"{raised['id']}: raised before, under the same key")
    else:
        count = raised["deliveries"]
        write(f"{raised['id']}: {count} {'delivery' if count == 1 else 'deliveries'}")


OF_EVENTS: Final[tuple[click.Command, ...]] = (raise_event,)
"""What the group `events` has of this."""
