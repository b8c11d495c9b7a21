"""Commands on what happened: events, records."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli import raising, remedies
from hookstation.cli.backend import Control, Refused
from hookstation.cli.speaking import (
    ask,
    json_option,
    one_call,
    out,
    place,
    print_one,
    settings_of,
    station_options,
    table,
    tell,
    text_of,
    write,
)
from hookstation.core.events import State
from hookstation.core.values import JSON

LARGEST_PAGE: Final = 1_000
UNPROCESSABLE: Final = 422
LIMIT = click.option(
    "--limit", type=click.IntRange(1, 1_000_000), metavar="N", default=50, help="How many at most (50)."
)


async def pages(control: Control, path: str, query: Mapping[str, str], limit: int) -> list[JSON]:
    """Up to `limit` items of a list, however many pages that takes."""
    items: list[JSON] = []
    after = ""
    while len(items) < limit:
        size = min(LARGEST_PAGE, limit - len(items))
        page = cast(
            "Mapping[str, JSON]",
            await control.call("GET", path, None, {**query, "limit": str(size), "after": after}),
        )
        items += cast("list[JSON]", page["items"])
        if not page["next"]:
            break
        after = str(page["next"])
    return items


@click.group()
def events() -> None:
    """The journal: list, show, replay, resolve; and raise."""


@events.command("list")
@click.option("--webhook", default="", metavar="NAME", help="Only of this webhook.")
@click.option(
    "--status", default="", metavar="S", help=f"Only in these states, with commas: {', '.join(State)}."
)
@click.option(
    "--since", default="", metavar="T", help="Only from then on: 2026-11-22T09:30:00Z, or 15m, 24h, 7d ago."
)
@click.option("--id", "event_id", default="", metavar="ID", help="Only ids that begin so.")
@click.option("--text", default="", metavar="WORDS", help="Only with these words in the payload's values.")
@click.option("--sender", default="", metavar="ADDRESS", help="Only from this address.")
@click.option("--dedup-key", default="", metavar="KEY", help="Only with this dedup key.")
@click.option("--record-key", default="", metavar="KEY", help="Only that wrote a record with this key.")
@LIMIT
@json_option
@station_options
def list_events(  # noqa: PLR0913 - an option each
    webhook: str,
    status: str,
    since: str,
    event_id: str,
    text: str,
    sender: str,
    dedup_key: str,
    record_key: str,
    limit: int,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """List events, newest first.

    In brief; `hookstation events show ID` tells all of one.
    """
    query = {
        "webhook": webhook,
        "status": status,
        "since": since,
        "event_id": event_id,
        "text": text,
        "sender": sender,
        "dedup_key": dedup_key,
        "record_key": record_key,
    }
    try:
        items = ask(settings_of(data, database_url), lambda control: pages(control, "/events", query, limit))
    except Refused as refused:
        tell(refused)
        sys.exit(2 if refused.document.get("status") == UNPROCESSABLE else 1)
    if as_json:
        out({"items": items})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", items)
    rows = [
        [
            str(one["id"]),
            str(one["received_at"]),
            str(one["webhook"]),
            str(one["state"]),
            text_of(one["answer_status"]),
            _key(one["record"]),
            str(one["error"] or one["reason"]),
        ]
        for one in shown
    ]
    table(rows, ("ID", "RECEIVED", "WEBHOOK", "STATE", "ANSWER", "RECORD", "ERROR"), brief=True)


def _key(record: JSON) -> str:
    return f"{record['entity']} {record['key']}" if isinstance(record, dict) else ""


@events.command()
@click.argument("event_id", metavar="ID")
@json_option
@station_options
def show(event_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one event: body, headers, answer, timing, attempts."""
    print_one(one_call(settings_of(data, database_url), "GET", place("/events", "event", event_id)), as_json)


for command in (*remedies.OF_EVENTS, *raising.OF_EVENTS):
    events.add_command(command)


@click.group()
def records() -> None:
    """The built-in records database: list, count."""


@records.command("list")
@click.argument("entity")
@LIMIT
@json_option
@station_options
def list_records(entity: str, limit: int, as_json: bool, data: str | None, database_url: str | None) -> None:
    """List records of Activity or a panel, in the order of writing."""
    path = place("/records", "entity", entity)
    items = ask(settings_of(data, database_url), lambda control: pages(control, path, {}, limit))
    if as_json:
        out({"items": items})
        return
    for one in cast("Sequence[Mapping[str, JSON]]", items):
        write(f"{one['key']}  {text_of(one['fields'])}")


@records.command()
@click.argument("entity")
@json_option
@station_options
def count(entity: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Count the records of Activity or a panel."""
    path = place("/records", "entity", entity)
    counted = one_call(settings_of(data, database_url), "GET", f"{path}/count")
    if as_json:
        out(cast("JSON", counted))
    else:
        write(str(counted["count"]))


COMMANDS: Final[tuple[click.Command, ...]] = (events, records)
