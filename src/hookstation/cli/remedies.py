"""Commands by which a person takes events in hand: cancel, look up, resolve."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.backend import Control, Refused
from hookstation.cli.speaking import (
    ask,
    json_option,
    one_call,
    out,
    place,
    print_one,
    say,
    settings_of,
    station_options,
    write,
)
from hookstation.core.values import JSON
from hookstation.errors import NotFound


@click.command()
@click.argument("event_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@station_options
def cancel(event_ids: tuple[str, ...], as_json: bool, data: str | None, database_url: str | None) -> None:
    """End events that are held, or whose outcome is still looked up.

    They end as failed. What is being sent at this moment cannot be called back.
    """

    async def work(control: Control) -> tuple[list[JSON], int]:
        ended: list[JSON] = []
        for event_id in event_ids:
            try:
                ended.append(await control.call("POST", f"{place('/events', 'event', event_id)}/cancel"))
            except (Refused, NotFound) as refused:
                say(f"error: {event_id}: {refused.message}")
        return ended, len(event_ids) - len(ended)

    ended, refused = ask(settings_of(data, database_url), work)
    if as_json:
        out({"items": ended})
    else:
        for one in cast("Sequence[Mapping[str, JSON]]", ended):
            write(f"{one['id']}: {one['state']} {one['error']}")
    if refused:
        sys.exit(1)


@click.command("look-up")
@click.argument("event_id", metavar="ID")
@json_option
@station_options
def look_up(event_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Ask the target what it holds of an event whose outcome is unknown.

    Nothing is changed. `hookstation events resolve` says afterwards how it ended.
    """
    path = place("/events", "event", event_id)
    print_one(one_call(settings_of(data, database_url), "GET", f"{path}/look-up"), as_json)


@click.command()
@click.argument("event_id", metavar="ID")
@click.option("--written", metavar="KEY", default="", help="The record stands in the target under this key.")
@click.option("--not-written", is_flag=True, help="The record was not written; the event may be replayed.")
@json_option
@station_options
def resolve(
    event_id: str,
    written: str,
    not_written: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Settle an unknown outcome, after looking at what the target holds.

    See first what `hookstation events look-up ID` finds.
    """
    if bool(written) == not_written:
        raise click.UsageError("Say either --written KEY or --not-written.")
    body: dict[str, JSON] = {"not_written": True} if not_written else {"written": written}
    path = place("/events", "event", event_id)
    one = one_call(settings_of(data, database_url), "POST", f"{path}/resolve", body)
    if as_json:
        out(cast("JSON", one))
    else:
        write(f"{one['id']}: {one['state']}{' ' + str(one['error']) if one['error'] else ''}")


OF_EVENTS: Final[tuple[click.Command, ...]] = (cancel, look_up, resolve)
"""What the group `events` has besides reading the journal."""
