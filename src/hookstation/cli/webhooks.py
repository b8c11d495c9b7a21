"""Commands on inbound webhooks: list, show, rotate, delete, and a trial."""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Final, cast

import click

from hookstation.cli import versions
from hookstation.cli.backend import Control
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
from hookstation.core.values import JSON


@click.group()
def webhooks() -> None:
    """Inbound webhooks: list, show, delete, go back."""


@webhooks.command("list")
@json_option
@station_options
def list_webhooks(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List webhooks, each with its state and URL."""

    async def work(control: Control) -> list[JSON]:
        items: list[JSON] = []
        after = ""
        while True:
            page = cast(
                "Mapping[str, JSON]",
                await control.call("GET", "/webhooks", None, {"limit": "1000", "after": after}),
            )
            items += cast("list[JSON]", page["items"])
            if not page["next"]:
                return items
            after = str(page["next"])

    items = ask(settings_of(data, database_url), work)
    if as_json:
        out({"items": items})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", items)
    if not shown:
        say("There is no webhook yet; write a config file and say hookstation apply FILE.")
        return
    table([[str(one[k]) for k in ("name", "state", "url")] for one in shown], ("NAME", "STATE", "URL"))


@webhooks.command()
@click.argument("name")
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one webhook in full, secrets masked."""
    print_one(one_call(settings_of(data, database_url), "GET", place("/webhooks", "webhook", name)), as_json)


@webhooks.command()
@click.argument("name")
@json_option
@station_options
def rotate(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Give a webhook a new URL; the old one is dead at once."""
    path = place("/webhooks", "webhook", name)
    rotated = one_call(settings_of(data, database_url), "POST", f"{path}/rotate")
    if as_json:
        out(cast("JSON", rotated))
    else:
        write(str(rotated["url"]))


@webhooks.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a webhook; its events stay.

    Its URL is dead at once. On a terminal it asks first, unless --yes.
    """
    path = place("/webhooks", "webhook", name)
    if not yes and sys.stdin.isatty():
        click.confirm(f"Delete the webhook {name}? Its URL stops working at once.", abort=True, err=True)
    ask(settings_of(data, database_url), lambda control: control.call("DELETE", path))
    if as_json:
        out({"deleted": name})
    say(f"Deleted: {name}. Its events stay in the journal.")


@click.command()
@click.argument("name")
@click.option(
    "--payload",
    required=True,
    type=click.File("rb"),
    metavar="FILE",
    help="The body to try, of any kind; - is stdin.",
)
@click.option(
    "--header", "headers", multiple=True, metavar="'K: V'", help="A header of the call; repeat for more."
)
@json_option
@station_options
def test(
    name: str,
    payload: IO[bytes],
    headers: tuple[str, ...],
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Try a payload on a webhook; write nothing.

    Shows the verdict of each stage, what the sender would get, and the record that would be written. Ends with 0
    whenever the trial could be done, whatever its verdict.
    """
    path = place("/webhooks", "webhook", name)
    body: JSON = {
        "body_base64": base64.b64encode(payload.read()).decode(),
        "headers": _headers(headers),
    }
    trial = one_call(settings_of(data, database_url), "POST", f"{path}/test", body)
    if as_json:
        out(cast("JSON", trial))
        return
    stages = cast("Sequence[Mapping[str, JSON]]", trial["stages"])
    table(
        [[str(one["stage"]), str(one["verdict"]), str(one["detail"])] for one in stages],
        ("STAGE", "VERDICT", "DETAIL"),
    )
    write("")
    write(
        f"{str(trial['verdict']).capitalize()}: the sender would get {trial['status']} {text_of(trial['answer'])}"
    )
    if trial["record"] is not None:
        write("Record:")
        print_one(cast("Mapping[str, JSON]", trial["record"]), as_json=False)


def _headers(given: tuple[str, ...]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f"“{one}” is not a header; write 'Name: value'.", param_hint="--header")
        found[name.strip().lower()] = value.strip()
    return found


for command in versions.COMMANDS:
    webhooks.add_command(command)

COMMANDS: Final[tuple[click.Command, ...]] = (webhooks, test)
