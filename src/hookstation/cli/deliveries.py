"""Commands on deliveries: list, look at, send again, end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import click

from hookstation.cli.attempts import tell_attempt
from hookstation.cli.backend import Control, Refused
from hookstation.cli.each import do_each
from hookstation.cli.journal import LIMIT, UNPROCESSABLE, pages
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
    tell,
    text_of,
    write,
)
from hookstation.config.settings import StationSettings
from hookstation.core.outgoing.values import DeliveryState, Trouble
from hookstation.core.values import JSON

Command = TypeVar("Command", bound=Callable[..., Any])
STATES: Final = ", ".join(DeliveryState)
TROUBLES: Final = ", ".join(one.value for one in Trouble if one.value)
ENDED: Final = "delivered,dead,cancelled"
COUNTED: Final = 1_000
"""Deliveries that are counted before it is asked."""

STATUS = click.option("--status", default="", metavar="S", help=f"In these states: {STATES}.")


def which(command: Command) -> Command:
    """The options that say which deliveries."""
    options = (
        click.option("--destination", default="", metavar="NAME", help="Of this destination."),
        click.option("--subscription", default="", metavar="NAME", help="Of this subscription."),
        click.option("--type", default="", metavar="TYPE", help="Of this type of event, such as order.*"),
        click.option("--event", "event_id", default="", metavar="ID", help="Of this event out."),
        click.option("--trouble", default="", metavar="S", help="Whose last try had this, such as timeout."),
        click.option("--since", default="", metavar="T", help="Begun from then on: a moment, or 24h ago."),
        click.option("--until", default="", metavar="T", help="Begun before then."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def deliveries() -> None:
    """What goes out: list, show, resend, cancel."""


@deliveries.command("list")
@which
@STATUS
@LIMIT
@json_option
@station_options
def list_deliveries(
    limit: int, as_json: bool, data: str | None, database_url: str | None, **asked: str
) -> None:
    """List deliveries, newest first.

    `hookstation deliveries show ID` tells all of one.
    """
    items = _asking(
        settings_of(data, database_url), lambda control: pages(control, "/deliveries", asked, limit)
    )
    if as_json:
        out({"items": items})
        return
    rows = [
        [
            str(one["id"]),
            str(one["created_at"]),
            str(one["destination"]),
            str(one["type"]),
            str(one["state"]),
            str(one["attempts"]),
            text_of(one["status"]),
            text_of(one["due_at"]) if one["state"] == DeliveryState.WAITING else "",
            str(one["error"]),
        ]
        for one in cast("Sequence[Mapping[str, JSON]]", items)
    ]
    head = ("ID", "BEGUN", "DESTINATION", "TYPE", "STATE", "TRIES", "STATUS", "NEXT", "ERROR")
    table(rows, head, brief=True)


@deliveries.command()
@click.argument("delivery_id", metavar="ID")
@json_option
@station_options
def show(delivery_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one delivery: its event, and what was sent and answered at each try."""
    path = place("/deliveries", "delivery", delivery_id)
    one = one_call(settings_of(data, database_url), "GET", path)
    if as_json:
        out(cast("JSON", one))
        return
    print_one({name: value for name, value in one.items() if name != "history"}, as_json=False)
    for attempt in cast("Sequence[Mapping[str, JSON]]", one["history"]):
        write("")
        tell_attempt(attempt)


@deliveries.command()
@click.argument("delivery_ids", metavar="[ID...]", nargs=-1)
@which
@STATUS
@click.option("--all-matching", is_flag=True, help="All that have ended, and not the dead ones alone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def resend(
    delivery_ids: tuple[str, ...],
    all_matching: bool,
    yes: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
    **asked: str,
) -> None:
    """Try deliveries again, now.

    Either these, or the dead ones that fit the options. A receiver knows by webhook-id what it has had already.
    """
    settings = settings_of(data, database_url)
    if _are_named(delivery_ids, asked):
        do_each(settings, "delivery", delivery_ids, "resend", _stands, as_json=as_json)
        return
    status = asked["status"] or (ENDED if all_matching else DeliveryState.DEAD.value)
    _all(settings, "resend", {**asked, "status": status}, yes=yes, as_json=as_json)


@deliveries.command()
@click.argument("delivery_ids", metavar="[ID...]", nargs=-1)
@which
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def cancel(
    delivery_ids: tuple[str, ...],
    yes: bool,
    as_json: bool,
    data: str | None,
    database_url: str | None,
    **asked: str,
) -> None:
    """End deliveries that wait.

    Either these, or all waiting ones that fit the options. What is on the wire at this moment may still arrive.
    """
    settings = settings_of(data, database_url)
    if _are_named(delivery_ids, asked):
        do_each(settings, "delivery", delivery_ids, "cancel", _stands, as_json=as_json)
        return
    waiting = {**asked, "status": DeliveryState.WAITING.value}
    _all(settings, "cancel", waiting, yes=yes, as_json=as_json)


def _are_named(delivery_ids: Sequence[str], asked: Mapping[str, str]) -> bool:
    """Whether ids say which, and not options. Raises `UsageError` where both do, or neither."""
    if bool(delivery_ids) == any(asked.values()):
        raise click.UsageError("Name either deliveries, or options that say which, such as --destination.")
    return bool(delivery_ids)


def _asking(settings: StationSettings, work: Callable[[Control], Any]) -> Any:
    """As `ask`; an option that the station does not understand is wrong use."""
    try:
        return ask(settings, work)
    except Refused as refused:
        tell(refused)
        sys.exit(2 if refused.document.get("status") == UNPROCESSABLE else 1)


def _stands(delivery: Mapping[str, JSON]) -> str:
    return f"{delivery['id']}: {delivery['state']}"


def _all(settings: StationSettings, act: str, asked: Mapping[str, str], *, yes: bool, as_json: bool) -> None:
    """Do it to all that match, after a question."""
    body: dict[str, JSON] = {name: value for name, value in asked.items() if value}
    if not yes and not sys.stdin.isatty():
        say("error: without a terminal nobody can be asked; say --yes.")
        sys.exit(2)

    async def work(control: Control) -> int:
        if not yes:
            found = len(await pages(control, "/deliveries", asked, COUNTED))
            many = f"more than {COUNTED - 1}" if found == COUNTED else str(found)
            if not found or not click.confirm(f"{act.capitalize()} {many} deliveries?", err=True):
                return 0
        return await _step_by_step(control, act, body)

    count = _asking(settings, work)
    if as_json:
        out({"count": count})
    else:
        write(f"{'Sent again' if act == 'resend' else 'Cancelled'}: {count}.")


async def _step_by_step(control: Control, act: str, body: Mapping[str, JSON]) -> int:
    count, after = 0, ""
    while True:
        sent: dict[str, JSON] = {**body, **({"after": after} if after else {})}
        done = cast("Mapping[str, Any]", await control.call("POST", f"/deliveries/{act}", sent))
        count += int(done["count"])
        if not done["next"]:
            return count
        after = str(done["next"])
        say(f"{count} so far.")


COMMANDS: Final[tuple[click.Command, ...]] = (deliveries,)
