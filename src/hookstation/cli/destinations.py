"""Commands on where events go: destinations and subscriptions."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Final, cast

import click

from hookstation.cli.attempts import tell_attempt
from hookstation.cli.reading import read_json
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
from hookstation.cli.things import NAME, YES, delete_one, everything
from hookstation.core.fieldlist import Kind, Setting
from hookstation.core.fieldlist.kinds import read_duration
from hookstation.core.outgoing.values import Health
from hookstation.core.values import JSON
from hookstation.errors import Invalid


def whole_seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Whole seconds, written like ``90s``, ``24h`` or ``7d``. Raises `BadParameter`."""
    if value is None:
        return None
    try:
        given = int(value) if value.isascii() and value.isdecimal() else value
        seconds = read_duration(Setting("duration", Kind.DURATION), given)
    except Invalid as refused:
        raise click.BadParameter(refused.problems[0].message) from refused
    if not isinstance(seconds, int):
        raise click.BadParameter("must be whole seconds.")
    return seconds


@click.group()
def destinations() -> None:
    """Where deliveries go: list, test, enable, rotate."""


@destinations.command("list")
@json_option
@station_options
def list_destinations(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List destinations, how each stands, and how many deliveries wait for it."""
    items = everything(settings_of(data, database_url), "/destinations")
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            str(one.get("state", "unreadable")),
            _health(cast("Mapping[str, JSON]", one["health"])),
            f"{one['waiting']}{'+' if one['more_waiting'] else ''}",
            str(one["url"]),
        ]
        for one in items
    ]
    if not rows:
        say("There is no destination yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "STATE", "HEALTH", "WAITING", "URL"))


@destinations.command()
@NAME
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one destination in full, secrets masked."""
    path = place("/destinations", "destination", name)
    print_one(one_call(settings_of(data, database_url), "GET", path), as_json)


@destinations.command()
@NAME
@click.option(
    "--overlap", callback=whole_seconds, metavar="T", help="How long the old one signs too, 0s to 30d (24h)."
)
@click.option(
    "--secret", type=click.File("r"), metavar="FILE", help="The receiver's own; - is stdin. Else one is made."
)
@json_option
@station_options
def rotate(
    name: str,
    overlap: int | None,
    secret: IO[str] | None,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Give a destination a new secret, and print it once.

    Until the overlap ends deliveries carry both signatures, where the form of signing has room for two.
    """
    body: dict[str, JSON] = {} if overlap is None else {"overlap": overlap}
    if secret is not None:
        body["secret"] = secret.read().strip()
    path = place("/destinations", "destination", name)
    rotated = one_call(settings_of(data, database_url), "POST", f"{path}/rotate", body)
    if as_json:
        out(cast("JSON", rotated))
        return
    say(f"The destination {name} signs with this secret; give it to its receiver, it is not shown again:")
    write(str(rotated["secret"]))
    if rotated["old_until"]:
        say(f"The old one signs too until {rotated['old_until']}.")


@destinations.command()
@NAME
@json_option
@station_options
def enable(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Call a destination as usual again, whatever stood against it."""
    path = place("/destinations", "destination", name)
    health = one_call(settings_of(data, database_url), "POST", f"{path}/enable")
    if as_json:
        out(cast("JSON", health))
    else:
        write(f"{name}: {_health(health)}")


@destinations.command()
@NAME
@click.option("--subscription", default="", metavar="NAME", help="As this subscription sends it.")
@click.option("--type", "type_", default="test", metavar="TYPE", help="The type of the event (test).")
@click.option(
    "--payload", type=click.File("rb"), metavar="FILE", help="Its facts (JSON); - is stdin. Else a sample."
)
@json_option
@station_options
def test(
    name: str,
    subscription: str,
    type_: str,
    payload: IO[bytes] | None,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Send one event to a destination now.

    Shows what was sent and what came back; nothing of it is kept. Ends with 1 where it did not arrive.
    """
    body: dict[str, JSON] = {"subscription": subscription, "type": type_}
    if payload is not None:
        body["data"] = read_json(payload)
    path = place("/destinations", "destination", name)
    attempt = one_call(settings_of(data, database_url), "POST", f"{path}/test", body)
    if as_json:
        out(cast("JSON", attempt))
    else:
        tell_attempt(attempt)
    if attempt["trouble"] is not None:
        sys.exit(1)


@destinations.command()
@NAME
@click.option("--for", "seconds", callback=whole_seconds, metavar="T", help="How long it is good (7d).")
@json_option
@station_options
def portal(name: str, seconds: int | None, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Make a link for the destination's owner.

    Who has it sees this destination's deliveries, sends them again and takes a new secret, without signing in.
    """
    body: dict[str, JSON] = {} if seconds is None else {"seconds": seconds}
    path = place("/destinations", "destination", name)
    link = one_call(settings_of(data, database_url), "POST", f"{path}/portal", body)
    if as_json:
        out(cast("JSON", link))
        return
    write(str(link["url"]))
    say(f"Good until {link['until']}; hookstation destinations revoke-links {name} ends it before.")


@destinations.command("revoke-links")
@NAME
@json_option
@station_options
def revoke_links(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """End all links of a destination's owner."""
    path = place("/destinations", "destination", name)
    ask(settings_of(data, database_url), lambda control: control.call("DELETE", f"{path}/portal"))
    if as_json:
        out({"revoked": name})
    say(f"The links of {name} open nothing any more.")


@destinations.command()
@NAME
@YES
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a destination; its deliveries stay in the list.

    Refused while a subscription names it. On a terminal it asks first, unless --yes.
    """
    settings = settings_of(data, database_url)
    question = f"Delete the destination {name}? What waits for it is cancelled."
    delete_one(settings, "/destinations", "destination", name, question, yes=yes, as_json=as_json)


@click.group()
def subscriptions() -> None:
    """Which events go to which destination: list, show, delete."""


@subscriptions.command("list")
@json_option
@station_options
def list_subscriptions(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List subscriptions, each with its events and destination."""
    items = everything(settings_of(data, database_url), "/subscriptions")
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            str(one["destination"]),
            ", ".join(cast("Sequence[str]", one["events"])),
            str(one.get("condition") or ""),
        ]
        for one in items
    ]
    if not rows:
        say("There is no subscription yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "DESTINATION", "EVENTS", "CONDITION"))


@subscriptions.command("show")
@NAME
@json_option
@station_options
def show_subscription(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one subscription in full."""
    path = place("/subscriptions", "subscription", name)
    print_one(one_call(settings_of(data, database_url), "GET", path), as_json)


@subscriptions.command("delete")
@NAME
@YES
@json_option
@station_options
def delete_subscription(
    name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Delete a subscription; what waits for it is cancelled.

    On a terminal it asks first, unless --yes.
    """
    settings = settings_of(data, database_url)
    question = f"Delete the subscription {name}? What waits for it is cancelled."
    delete_one(settings, "/subscriptions", "subscription", name, question, yes=yes, as_json=as_json)


def _health(one: Mapping[str, JSON]) -> str:
    """How it stands, and until when where that ends by itself."""
    if one["state"] == Health.GOOD:
        return str(one["state"])
    until = f" until {one['until']}" if one["until"] else ""
    return f"{one['state']}{until}"


COMMANDS: Final[tuple[click.Command, ...]] = (destinations, subscriptions)
