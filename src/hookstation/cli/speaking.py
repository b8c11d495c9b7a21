"""How commands speak: options that all share, output for people or as JSON, errors and exit codes."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import click

from hookstation.cli.backend import Backend, Control, Refused
from hookstation.config.settings import StationSettings, resolve
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import HookstationError, Invalid, NotFound

Command = TypeVar("Command", bound=Callable[..., Any])
Answer = TypeVar("Answer")
WIDEST: Final = 60
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def options_of_a_station(folder: str) -> Callable[[Command], Command]:
    """``--data`` (said to be `folder` where it is left out) and ``--database-url``, on top of `failing`."""

    def decorate(command: Command) -> Command:
        data = click.option("--data", metavar="DIR", help=f"The data folder ({folder}).")
        database = click.option(
            "--database-url",
            metavar="URL",
            help="sqlite:///PATH, postgresql://… or ${env:NAME} (SQLite in the data folder).",
        )
        return data(database(failing(command)))

    return decorate


def failing(command: Command) -> Command:
    """Errors as sentences on stderr, with exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: object, **kwargs: object) -> object:
        try:
            return command(*args, **kwargs)
        except HookstationError as failure:
            tell(failure)
            sys.exit(1)

    return cast("Command", wrapped)


station_options = options_of_a_station("./hookstation-data")

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def settings_of(data: str | None, database_url: str | None, **more: str | None) -> StationSettings:
    """The settings of this command. Raises `Invalid`."""
    return resolve({"data": data, "database_url": _revealed(database_url), **more}, os.environ)


def _revealed(url: str | None) -> str | None:
    """The URL that ``${env:NAME}`` or ``${file:PATH}`` names: who lists processes sees what stands in an option.

    Raises `Invalid`.
    """
    if url is None or "${" not in url:
        return url
    from hookstation.config.references import opened  # reads whole config files, which most commands do not

    try:
        return opened(url, os.environ)
    except Invalid as refusal:
        raise Invalid([problem.under("database_url") for problem in refusal.problems]) from refusal


def backend() -> Backend:
    """What wiring gave to this command line."""
    return cast("Backend", click.get_current_context().find_root().obj)


def place(shelf: str, kind: str, name: str) -> str:
    """The path of one thing on a shelf of the API. Raises `NotFound` for what can be no name."""
    if not name or "/" in name or name in {".", ".."}:
        raise NotFound(kind, name)
    return f"{shelf}/{name}"


def ask(settings: StationSettings, work: Callable[[Control], Awaitable[Answer]]) -> Answer:
    """Do `work` with a way to the station."""
    station = backend()
    if not settings.data.exists() and not settings.database.is_postgres:
        say(f"There is no data folder {settings.data} yet; it is made now.")

    async def asking() -> Answer:
        async with station.control(settings) as control:
            return await work(control)

    return asyncio.run(asking())


def one_call(
    settings: StationSettings,
    method: str,
    path: str,
    body: JSON = None,
    query: Mapping[str, str] | None = None,
) -> Mapping[str, JSON]:
    """One call of the API and its answer."""
    answer = ask(settings, lambda control: control.call(method, path, body, query))
    return cast("Mapping[str, JSON]", answer)


def out(document: JSON) -> None:
    """One JSON document on stdout, numbers with their digits."""
    click.echo(dump_json(document))


def visible(text: str) -> str:
    """`text` with what would steer a terminal (C0 and C1 controls, line separators, writing direction) as escapes.

    Payloads and targets' answers are shown to operators: they may neither hide nor forge what stands there.  Tabs
    and line feeds stay.
    """
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def write(text: str, *, beside: bool = False) -> None:
    """Text for a person on stdout, or on stderr (`beside`); further lines are set in, so that none passes for ours."""
    click.echo(visible(text).replace("\n", "\n    "), err=beside)


def say(sentence: str) -> None:
    """A message for a person, on stderr."""
    write(sentence, beside=True)


def tell(failure: HookstationError) -> None:
    """An error for a person, a line a problem."""
    if isinstance(failure, Invalid):
        for problem in failure.problems:
            say(f"{problem.severity}: {problem}")
    elif isinstance(failure, Refused) and failure.document.get("problems"):
        for one in cast("Sequence[Mapping[str, JSON]]", failure.document["problems"]):
            where = str(one["pointer"]).lstrip("/").replace("/", ".")
            say(f"{one['severity']}: {where + ': ' if where else ''}{one['message']}")
    else:
        say(f"error: {failure.message}")


def table(rows: Sequence[Sequence[str]], head: Sequence[str], *, brief: bool = False) -> None:
    """Rows in columns on stdout; a cell is one line, and the last of a row is whole unless `brief`."""
    cells = [
        [*map(_cell, row[:-1]), _cell(row[-1]) if brief else _one_line(row[-1])] for row in (head, *rows)
    ]
    widths = [max(len(row[index]) for row in cells) for index in range(len(head))]
    for row in cells:
        write("  ".join(one.ljust(width) for one, width in zip(row, widths, strict=True)).rstrip())


def _cell(text: str) -> str:
    """URLs and keys are shown whole: they are there to be copied."""
    line = _one_line(text)
    return line if len(line) <= WIDEST or " " not in line else line[: WIDEST - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def text_of(value: JSON) -> str:
    """A value for a table."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_json(value)


def print_one(document: Mapping[str, JSON], as_json: bool) -> None:
    """One thing on stdout: a line a member, or as JSON."""
    if as_json:
        out(cast("JSON", document))
        return
    for name, value in document.items():
        if isinstance(value, dict) and value:
            write(f"{name}:")
            for inner, one in value.items():
                write(f"  {inner}: {text_of(one)}")
        else:
            write(f"{name}: {text_of(value)}")
