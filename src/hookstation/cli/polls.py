"""Commands on polls: list, show, run, try, repair, begin anew, delete."""

from __future__ import annotations

import sys
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
    text_of,
    write,
)
from hookstation.cli.things import NAME, YES, delete_one, everything, inner, items_of
from hookstation.core.values import JSON

SHELF: Final = "/polls"


@click.group()
def polls() -> None:
    """Sources that are asked: list, run, try, repair, reset."""


@polls.command("list")
@json_option
@station_options
def list_polls(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List polls, when each looks next, and what its last turn brought."""
    items = everything(settings_of(data, database_url), SHELF)
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            str(one.get("state", "unreadable")),
            str(inner(one, "source").get("type", "")),
            str(inner(one, "last").get("at") or ""),
            str(inner(one, "last").get("accepted", "")),
            str(one.get("due_at") or ""),
            str(inner(one, "last").get("error") or ""),
        ]
        for one in items
    ]
    if not rows:
        say("There is no poll yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "STATE", "SOURCE", "LAST", "NEW", "NEXT", "ERROR"))


@polls.command()
@NAME
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one poll in full, and how far it has read."""
    print_one(one_call(settings_of(data, database_url), "GET", place(SHELF, "poll", name)), as_json)


@polls.command()
@NAME
@json_option
@station_options
def run(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Have a poll look now, and say what came.

    Ends with 1 where its source could not be asked.
    """
    path = f"{place(SHELF, 'poll', name)}/run"
    turn = one_call(settings_of(data, database_url), "POST", path)
    if as_json:
        out(cast("JSON", turn))
    else:
        write(_said(turn))
    if turn["error"]:
        say(f"error: {turn['error']}")
        sys.exit(1)


@polls.command("try")
@NAME
@json_option
@station_options
def try_it(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show what would come if a poll looked now.

    Nothing is written, and it is not remembered that anybody looked.
    """
    path = f"{place(SHELF, 'poll', name)}/try"
    told = one_call(settings_of(data, database_url), "POST", path)
    if as_json:
        out({"items": told["items"]})
        return
    rows = [
        [
            str(one["key"]),
            "new" if one["new"] else "known",
            str(one["error"]) or text_of(one["item"]),
        ]
        for one in items_of(told)
    ]
    if not rows:
        say("Nothing new would come.")
        return
    table(rows, ("KEY", "", "ITEM OR ERROR"), brief=True)


@polls.command()
@NAME
@click.option("--from", "since", default="", metavar="V", help="From this value of its cursor on.")
@click.option("--to", "until", default="", metavar="V", help="Up to this one.")
@json_option
@station_options
def repair(
    name: str, since: str, until: str, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Ask for a range of a poll's source again.

    What came before is known by its keys and does nothing; how far the poll has read stays as it is. V is a number, a
    date or a moment, as its source has it.
    """
    path = f"{place(SHELF, 'poll', name)}/repair"
    done = one_call(settings_of(data, database_url), "POST", path, {"from": since, "to": until})
    if as_json:
        out(cast("JSON", done))
    else:
        write(f"{name}: {done['found']} found, {done['accepted']} of them new")


@polls.command()
@NAME
@click.argument("first", metavar="now|everything|DATE")
@YES
@json_option
@station_options
def reset(
    name: str, first: str, yes: bool, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Let a poll begin anew, from now, with everything, or from a date.

    Items whose keys are still known do not come twice. On a terminal it asks first, unless --yes.
    """
    path = f"{place(SHELF, 'poll', name)}/cursor"
    if not yes and sys.stdin.isatty():
        click.confirm(f"Let {name} forget how far it has read?", abort=True, err=True)
    position = one_call(settings_of(data, database_url), "PUT", path, {"first": first})
    if as_json:
        out(cast("JSON", position))
    say(f"The poll {name} begins anew: {first}.")


@polls.command()
@NAME
@YES
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a poll and what it remembers; its events stay.

    Refused while a schedule names it. On a terminal it asks first, unless --yes.
    """
    question = f"Delete the poll {name}? How far it has read is forgotten."
    delete_one(settings_of(data, database_url), SHELF, "poll", name, question, yes=yes, as_json=as_json)


def _said(turn: Mapping[str, JSON]) -> str:
    if turn["began"]:
        return f"It looked for the first time: {turn['found']} items, {turn['accepted']} of them new."
    more = "; there is more" if turn["more"] else ""
    return f"{turn['found']} items, {turn['accepted']} of them new{more}."


COMMANDS: Final[tuple[click.Command, ...]] = (polls,)
