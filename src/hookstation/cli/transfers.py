"""Commands on transfers: list, show, preview, run, enable, delete."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import monotonic
from typing import IO, Final, cast

import click

from hookstation.cli.backend import Control
from hookstation.cli.destinations import whole_seconds
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
    text_of,
    write,
)
from hookstation.cli.things import NAME, YES, delete_one, everything, inner
from hookstation.cli.waiting import tell_end, until_ended
from hookstation.core.values import JSON

SHELF: Final = "/transfers"
FOREVER: Final = 366 * 86_400
WIDTH: Final = 30


@click.group()
def transfers() -> None:
    """Rows from here to there: list, preview, run, enable."""


@transfers.command("list")
@json_option
@station_options
def list_transfers(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List transfers, and how the last run of each ended."""
    items = everything(settings_of(data, database_url), SHELF)
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            str(one.get("state", "unreadable")),
            str(inner(one, "source").get("type", "")),
            str(inner(one, "destination").get("type", "")),
            str(inner(one, "last").get("queued_at") or ""),
            str(inner(one, "last").get("status") or ""),
            str(inner(one, "last").get("error") or ""),
        ]
        for one in items
    ]
    if not rows:
        say("There is no transfer yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "STATE", "FROM", "TO", "LAST", "ENDED", "ERROR"))


@transfers.command()
@NAME
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one transfer in full, secrets masked."""
    print_one(one_call(settings_of(data, database_url), "GET", place(SHELF, "transfer", name)), as_json)


@transfers.command()
@NAME
@click.option(
    "--count", type=click.IntRange(1, 200), metavar="N", default=20, help="How many rows at most (20)."
)
@json_option
@station_options
def preview(name: str, count: int, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show the first rows that would leave; nothing is written anywhere."""
    path = f"{place(SHELF, 'transfer', name)}/preview"
    told = one_call(settings_of(data, database_url), "GET", path, None, {"count": str(count)})
    if as_json:
        out(cast("JSON", told))
        return
    columns = cast("list[str]", told["columns"])
    rows = cast("list[Mapping[str, JSON]]", told["rows"])
    if not rows:
        say("There is nothing to send.")
        return
    table([[text_of(row.get(column)) for column in columns] for row in rows], columns)


@transfers.command()
@NAME
@click.option(
    "--input", "input_", type=click.File("rb"), metavar="FILE", help="What its run is given (JSON)."
)
@click.option("--wait", callback=whole_seconds, metavar="T", help="So long at most, like 10m (to its end).")
@json_option
@station_options
def run(
    name: str,
    input_: IO[bytes] | None,
    wait: int | None,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Run a transfer, and show how far it is.

    Ends with 1 where the run failed or was cancelled. Ctrl-C ends the command alone: the run goes on at the station.
    """
    path = f"{place(SHELF, 'transfer', name)}/run"
    body: JSON = {"input": None if input_ is None else read_json(input_)}
    seconds = FOREVER if wait is None else wait
    ended, far = ask(settings_of(data, database_url), lambda control: _followed(control, path, body, seconds))
    if as_json:
        ended = {**ended, "progress": cast("JSON", far)}
    elif far:
        write(f"{far['read']} read, {far['rows']} sent, {far['bytes']} bytes")
    tell_end({**ended, "output": ended.get("output") if as_json else None}, as_json=as_json, waited=True)


async def _followed(
    control: Control, path: str, body: JSON, seconds: int
) -> tuple[Mapping[str, JSON], Mapping[str, JSON]]:
    """Begin the run, and how it and its progress stand at its end."""
    end = monotonic() + seconds
    begun = cast("Mapping[str, JSON]", await control.call("POST", path, body))
    progress = f"{place('/runs', 'run', str(begun['id']))}/progress"
    bar = Bar()
    far: Mapping[str, JSON] = {}

    async def look(_: Mapping[str, JSON]) -> None:
        nonlocal far
        far = cast("Mapping[str, JSON]", await control.call("GET", progress))
        bar.show(far)

    async with control.working():
        ended = await until_ended(control, begun, end, look)
    bar.end()
    return ended, far


class Bar:
    """A line on stderr that says how far it is, drawn anew on a terminal; elsewhere nothing is drawn."""

    def __init__(self) -> None:
        self._drawn = False

    def show(self, far: Mapping[str, JSON]) -> None:
        """Draw it."""
        if not sys.stderr.isatty():
            return
        self._drawn = True
        click.echo(f"\r\x1b[K{said(far)}", nl=False, err=True)

    def end(self) -> None:
        """Leave the line as it is."""
        if self._drawn:
            click.echo(err=True)


def said(far: Mapping[str, JSON]) -> str:
    """How far a transfer is, with a bar where it is known how much there is."""
    read, of = far["read"], far["of"]
    counts = f"{read} rows read, {far['rows']} sent, {far['bytes']} bytes"
    if not isinstance(read, int) or not isinstance(of, int):
        return counts
    full = WIDTH * min(read, of) // of
    return f"[{'█' * full}{'·' * (WIDTH - full)}] {100 * min(read, of) // of:3} %  {counts}"


@transfers.command()
@NAME
@json_option
@station_options
def enable(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Let runs begin again of a transfer that is not active."""
    path = f"{place(SHELF, 'transfer', name)}/enable"
    shown = one_call(settings_of(data, database_url), "POST", path)
    if as_json:
        out(cast("JSON", shown))
    else:
        write(f"{name}: {shown['state']}")


@transfers.command()
@NAME
@YES
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a transfer; its runs stay.

    Refused while anything names it. On a terminal it asks first, unless --yes.
    """
    question = f"Delete the transfer {name}? Its runs stay."
    delete_one(settings_of(data, database_url), SHELF, "transfer", name, question, yes=yes, as_json=as_json)


COMMANDS: Final[tuple[click.Command, ...]] = (transfers,)
