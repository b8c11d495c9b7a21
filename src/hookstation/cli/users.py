"""Commands on who may sign in: list, add, reset, disable, enable, remove."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

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
from hookstation.config.settings import StationSettings
from hookstation.core.people import Role
from hookstation.core.values import JSON

EMAIL = click.argument("email")


@click.group()
def users() -> None:
    """Users who sign in: list, add, reset, disable, enable, remove."""


@users.command("list")
@json_option
@station_options
def list_users(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List who may sign in."""
    page = one_call(settings_of(data, database_url), "GET", "/users")
    if as_json:
        out({"items": page["items"]})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", page["items"])
    rows = [[str(one["email"]), str(one["role"]), _state(one), str(one["created_at"])] for one in shown]
    table(rows, ("EMAIL", "ROLE", "STATE", "ADDED"))


def _state(one: Mapping[str, JSON]) -> str:
    if one["disabled"]:
        return "disabled"
    return "active" if one["has_password"] else "no password yet"


@users.command()
@EMAIL
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMINISTRATOR.value,
    help="What the user may do (administrator).",
)
@json_option
@station_options
def add(email: str, role: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Let somebody in.

    Prints a one-time link by which the password is set, for 24 hours.
    """
    made = one_call(settings_of(data, database_url), "POST", "/users", {"email": email, "role": role})
    _print_link(made, as_json)


@users.command()
@EMAIL
@json_option
@station_options
def reset(email: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Make a link to set a new password.

    It works once, for 24 hours; the old password works until then.
    """
    _print_link(one_call(settings_of(data, database_url), "POST", f"{_place(email)}/reset"), as_json)


def _print_link(made: Mapping[str, JSON], as_json: bool) -> None:
    if as_json:
        out(cast("JSON", made))
        return
    write(str(made["link"]))
    say(
        f"This link sets the password of {made['email']}, once, until {made['link_until']}: hand it over safely."
    )


@users.command()
@EMAIL
@json_option
@station_options
def disable(email: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Keep a user out, and sign it out everywhere."""
    _change(email, as_json, settings_of(data, database_url), disabled=True)


@users.command()
@EMAIL
@json_option
@station_options
def enable(email: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Let a disabled user in again."""
    _change(email, as_json, settings_of(data, database_url), disabled=False)


def _change(email: str, as_json: bool, settings: StationSettings, *, disabled: bool) -> None:
    print_one(one_call(settings, "PATCH", _place(email), {"disabled": disabled}), as_json)


@users.command()
@EMAIL
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def remove(email: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Remove a user, and sign it out everywhere.

    On a terminal it asks first, unless --yes.
    """
    path = _place(email)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Remove the user {email}?", abort=True, err=True)
    ask(settings_of(data, database_url), lambda control: control.call("DELETE", path))
    if as_json:
        out({"removed": email})
    say(f"Removed: {email}.")


def _place(email: str) -> str:
    return place("/users", "user", email)


COMMANDS: Final[tuple[click.Command, ...]] = (users,)
