"""Commands by which a person takes events in hand: replay, fix, cancel, look up, resolve."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO, cast

import click

from hookstation.cli.backend import Control, Refused
from hookstation.cli.each import do_each, with_error
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
    table,
    write,
)
from hookstation.core.values import JSON
from hookstation.errors import NotFound

LOOK_EVERY: Final = 0.2
"""Seconds between looks at how far a replay is."""


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


@click.command()
@click.argument("event_id", metavar="ID")
@click.option(
    "--body",
    required=True,
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="The edited payload; - is stdin.",
)
@click.option("--note", required=True, metavar="TEXT", help="Why it was changed; kept with the new event.")
@click.option("--again", is_flag=True, help="Also where the event succeeded or its outcome is unknown.")
@json_option
@station_options
def fix(
    event_id: str,
    body: TextIO,
    note: str,
    again: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Send an edited copy of an event's payload in.

    It becomes an event of its own, linked to the old one, which stays as it is.
    """
    sent: dict[str, JSON] = {"body": body.read(), "note": note, "again": again}
    path = place("/events", "event", event_id)
    print_one(one_call(settings_of(data, database_url), "POST", f"{path}/fix", sent), as_json)


@click.command()
@click.argument("event_ids", metavar="[ID...]", nargs=-1)
@click.option("--webhook", default="", metavar="NAME", help="All of this webhook.")
@click.option("--since", default="", metavar="T", help="All from then on: 2026-11-22T09:30:00Z, or 24h ago.")
@click.option("--until", default="", metavar="T", help="All before then.")
@click.option("--state", default="", metavar="S", help="All in these states, with commas (failed,rejected).")
@click.option("--text", default="", metavar="WORDS", help="All with these words in the payload's values.")
@click.option("--again", is_flag=True, help="Also what succeeded, is unknown, or was cancelled.")
@click.option("--dry-run", is_flag=True, help="Only say what would become of them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def replay(  # noqa: PLR0913 - an option each
    event_ids: tuple[str, ...],
    webhook: str,
    since: str,
    until: str,
    state: str,
    text: str,
    again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Try events anew, with today's schema and mapping.

    Either these events, or all that fit the options. Of those that fit it is said first what would become of them,
    and asked. The answer that a sender got stays as it was. Refused for what succeeded or is unknown, unless --again.
    """
    found = {"webhook": webhook, "since": since, "until": until, "status": state, "text": text}
    asked = {name: value for name, value in found.items() if value}
    if bool(event_ids) == bool(asked):
        raise click.UsageError("Name either events, or options that say which.")
    settings = settings_of(data, database_url)
    if event_ids and not dry_run:
        do_each(
            settings,
            "event",
            event_ids,
            "replay",
            with_error("state"),
            body={"again": again},
            as_json=as_json,
        )
        return
    body: dict[str, JSON] = {"again": again}
    body |= {"ids": list(event_ids)} if event_ids else {"filter": dict(asked)}
    if dry_run or not yes:
        prospect = one_call(settings, "POST", "/replays", {**body, "dry_run": True})
        _tell_prospect(prospect, as_json=as_json and dry_run)
        if dry_run or not click.confirm(f"Replay {prospect['total']} events?", err=True):
            return
    ended, items = ask(settings, lambda control: _replayed(control, body, quiet=as_json))
    if as_json:
        out({**ended, "items": items})
    else:
        for one in cast("Sequence[Mapping[str, JSON]]", items):
            write(f"{one['id']}: {one['verdict']}{' ' + str(one['why']) if one['why'] else ''}")
    if set(cast("Mapping[str, JSON]", ended["counts"])) - {"succeeded", "working"}:
        sys.exit(1)


def _tell_prospect(prospect: Mapping[str, JSON], *, as_json: bool) -> None:
    if as_json:
        out(cast("JSON", prospect))
        return
    for one in cast("Sequence[Mapping[str, JSON]]", prospect["items"]):
        write(f"{one['id']}: {one['verdict']}{' ' + str(one['why']) if one['why'] else ''}")
    counts = cast("Mapping[str, JSON]", prospect["counts"])
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    say(f"{prospect['total']} events; of the oldest {prospect['looked_through']}: {told or 'nothing'}.")


async def _replayed(
    control: Control, body: Mapping[str, JSON], *, quiet: bool
) -> tuple[dict[str, JSON], list[JSON]]:
    """Begin, tell how far it is, and return how it ended, with what became of each event."""
    begun = cast("dict[str, JSON]", await control.call("POST", "/replays", dict(body)))
    path = place("/replays", "replay", str(begun["id"]))
    now, told = begun, begun["left"]
    while now["left"]:
        await asyncio.sleep(LOOK_EVERY)
        now = cast("dict[str, JSON]", await control.call("GET", path))
        if now["left"] != told and not quiet:
            say(
                f"{now['left']} of {now['total']} left; hookstation events replays cancel {now['id']} ends it."
            )
            told = now["left"]
    items: list[JSON] = []
    after = ""
    while True:
        query = {"limit": "1000", "after": after}
        page = cast("Mapping[str, JSON]", await control.call("GET", f"{path}/items", None, query))
        items += cast("list[JSON]", page["items"])
        if not page["next"]:
            return now, items
        after = str(page["next"])


@click.group()
def replays() -> None:
    """Replays of many events: list, show, cancel."""


@replays.command("list")
@json_option
@station_options
def list_replays(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List the replays of the last week."""
    listed = one_call(settings_of(data, database_url), "GET", "/replays")
    if as_json:
        out({"items": listed["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", listed["items"])
    rows = [
        [str(one[name] or "") for name in ("id", "began_at", "by", "total", "cancelled_by")] for one in shown
    ]
    table(rows, ("ID", "BEGAN", "BY", "EVENTS", "CANCELLED BY"))


@replays.command("show")
@click.argument("replay_id", metavar="ID")
@json_option
@station_options
def show_replay(replay_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show how far a replay is."""
    print_one(
        one_call(settings_of(data, database_url), "GET", place("/replays", "replay", replay_id)), as_json
    )


@replays.command("cancel")
@click.argument("replay_id", metavar="ID")
@json_option
@station_options
def cancel_replay(replay_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Replay no further event of these; those at work end."""
    path = place("/replays", "replay", replay_id)
    print_one(one_call(settings_of(data, database_url), "POST", f"{path}/cancel"), as_json)


OF_EVENTS: Final[tuple[click.Command, ...]] = (replay, replays, fix, cancel, look_up, resolve)
"""What the group `events` has besides reading the journal."""
