"""What commands on configured things share: all of a kind, one of a list, taking one away."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.journal import pages
from hookstation.cli.speaking import ask, out, place, say
from hookstation.config.settings import StationSettings
from hookstation.core.values import JSON

EVERYTHING: Final = 1_000_000
NAME = click.argument("name")
YES = click.option("--yes", is_flag=True, help="Do not ask.")


def everything(settings: StationSettings, shelf: str) -> list[Mapping[str, JSON]]:
    """All things on a shelf of the API."""
    found = ask(settings, lambda control: pages(control, shelf, {}, EVERYTHING))
    return cast("list[Mapping[str, JSON]]", found)


def delete_one(
    settings: StationSettings,
    shelf: str,
    kind: str,
    name: str,
    question: str,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Take one thing away; on a terminal it asks first."""
    path = place(shelf, kind, name)
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)
    ask(settings, lambda control: control.call("DELETE", path))
    if as_json:
        out({"deleted": name})
    say(f"Deleted: {name}.")


def inner(one: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    """A member that is an object, an empty one where there is none."""
    found = one.get(name)
    return cast("Mapping[str, JSON]", found) if isinstance(found, dict) else {}


def items_of(answer: Mapping[str, JSON]) -> Sequence[Mapping[str, JSON]]:
    """The items of a list that came as one page."""
    return cast("Sequence[Mapping[str, JSON]]", answer["items"])
