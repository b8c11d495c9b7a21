"""Commands on schedules: list, show, preview, run, enable, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import click

from hookstation.cli.speaking import (
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
from hookstation.cli.things import NAME, YES, delete_one, everything, inner, items_of
from hookstation.core.values import JSON

SHELF: Final = "/schedules"
CHANGES: Final[Mapping[str, str]] = {
    "day": "the clocks are changed on this day",
    "shifted": "the clocks leave this time out: put off",
    "first": "the clocks say this time twice: the first",
    "second": "the clocks say this time twice: the second",
}


@click.group()
def schedules() -> None:
    """What goes by the clock: list, preview, run, enable."""


@schedules.command("list")
@json_option
@station_options
def list_schedules(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List schedules, when each fires next, and what came of the last time."""
    items = everything(settings_of(data, database_url), SHELF)
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            "switched off" if inner(one, "standing").get("off") else str(one.get("state", "unreadable")),
            _target(one),
            str(one.get("words", "")),
            str(inner(one, "next").get("at") or ""),
            str(inner(one, "last").get("status") or ""),
            str(one.get("said") or inner(one, "standing").get("why") or ""),
        ]
        for one in items
    ]
    if not rows:
        say("There is no schedule yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "STATE", "STARTS", "WHEN", "NEXT", "LAST", "NOTICE"))


@schedules.command()
@NAME
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one schedule in full, and how it stands."""
    path = place(SHELF, "schedule", name)
    print_one(one_call(settings_of(data, database_url), "GET", path), as_json)


@schedules.command()
@NAME
@click.option("--count", type=click.IntRange(1, 1_000), metavar="N", default=20, help="How many times (20).")
@json_option
@station_options
def preview(name: str, count: int, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show when a schedule fires next.

    Whatever its state; without its jitter. Times that a change of the clocks touches say so.
    """
    path = f"{place(SHELF, 'schedule', name)}/preview"
    told = one_call(settings_of(data, database_url), "GET", path, None, {"count": str(count)})
    if as_json:
        out({"items": told["items"]})
        return
    rows = [
        [str(one["at"]), str(one["local"]), CHANGES.get(str(one["clock_change"]), "")]
        for one in items_of(told)
    ]
    if not rows:
        say("It does not fire any more.")
        return
    table(rows, ("AT", "ON ITS CLOCKS", "CLOCK CHANGE"))


@schedules.command()
@NAME
@json_option
@station_options
def run(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Start what a schedule starts, now; its own times stay as they are."""
    path = f"{place(SHELF, 'schedule', name)}/run"
    begun = one_call(settings_of(data, database_url), "POST", path)
    if as_json:
        out(cast("JSON", begun))
    elif begun["run"] is None:
        write(f"{name}: its poll looks now")
    else:
        started = inner(begun, "run")
        write(f"{started['id']}: {started['status']}")


@schedules.command()
@NAME
@json_option
@station_options
def enable(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Let a schedule fire again that was switched off for its failures."""
    path = f"{place(SHELF, 'schedule', name)}/enable"
    shown = one_call(settings_of(data, database_url), "POST", path)
    if as_json:
        out(cast("JSON", shown))
    else:
        write(f"{name}: fires next at {inner(shown, 'next').get('at') or 'no time'}")


@schedules.command()
@NAME
@YES
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a schedule; what it started goes on.

    On a terminal it asks first, unless --yes.
    """
    question = f"Delete the schedule {name}? What it started goes on."
    delete_one(settings_of(data, database_url), SHELF, "schedule", name, question, yes=yes, as_json=as_json)


def _target(one: Mapping[str, JSON]) -> str:
    return next((f"{kind} {one[kind]}" for kind in ("workflow", "transfer", "poll") if one.get(kind)), "")


COMMANDS: Final[tuple[click.Command, ...]] = (schedules,)
