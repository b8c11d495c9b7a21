"""Commands on workflows: list, show, run, test, versions, go back, delete."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Final, cast

import click

from hookstation.cli.destinations import whole_seconds
from hookstation.cli.journal import pages
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
from hookstation.cli.things import NAME, YES, delete_one, everything, inner, items_of
from hookstation.cli.waiting import follow, tell_end
from hookstation.core.values import JSON

SHELF: Final = "/workflows"
INPUT = click.option(
    "--input", "input_", type=click.File("rb"), metavar="FILE", help="What triggers it (JSON); - is stdin."
)


@click.group()
def workflows() -> None:
    """Steps one after the other: list, run, test, versions."""


@workflows.command("list")
@json_option
@station_options
def list_workflows(as_json: bool, data: str | None, database_url: str | None) -> None:
    """List workflows, and what their runs did in the last day."""
    items = everything(settings_of(data, database_url), SHELF)
    if as_json:
        out({"items": cast("list[JSON]", items)})
        return
    rows = [
        [
            str(one["name"]),
            str(one.get("state", "unreadable")),
            str(inner(one, "trigger").get("type", "")),
            str(one["version"]),
            ", ".join(f"{count} {state}" for state, count in inner(one, "runs").items()),
            str(one.get("title", "")),
        ]
        for one in items
    ]
    if not rows:
        say("There is no workflow yet; write a config file and say hookstation apply FILE.")
        return
    table(rows, ("NAME", "STATE", "TRIGGER", "VERSION", "RUNS OF A DAY", "TITLE"))


@workflows.command()
@NAME
@json_option
@station_options
def show(name: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one workflow in full."""
    path = place(SHELF, "workflow", name)
    print_one(one_call(settings_of(data, database_url), "GET", path), as_json)


@workflows.command()
@NAME
@INPUT
@click.option("--wait", callback=whole_seconds, metavar="T", help="For its end, so long at most, like 30s.")
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
    """Begin a run of a workflow.

    Without --wait it is told as it begins. With it the command ends when the run does: with 1 where it failed, was
    cancelled, or has an outcome that is not known.
    """
    body: dict[str, JSON] = {"input": None if input_ is None else read_json(input_)}
    path = place(SHELF, "workflow", name)
    settings = settings_of(data, database_url)
    begun = ask(settings, lambda control: follow(control, f"{path}/run", body, wait or 0))
    tell_end(begun, as_json=as_json, waited=bool(wait))


@workflows.command()
@NAME
@INPUT
@json_option
@station_options
def test(
    name: str, input_: IO[bytes] | None, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Show what each step would do; nothing outside is touched.

    Without --input it takes the workflow's own sample. What other systems would answer is made up. Ends with 0
    whenever the trial could be done.
    """
    body: dict[str, JSON] = {} if input_ is None else {"input": read_json(input_)}
    path = place(SHELF, "workflow", name)
    trial = one_call(settings_of(data, database_url), "POST", f"{path}/test", body)
    if as_json:
        out(cast("JSON", trial))
        return
    rows = [
        [
            str(one["path"] or "(the run)"),
            str(one["type"]),
            str(one["state"]) + (" (sample)" if one["sample"] else ""),
            str(one["error"]) or text_of(one["output"]),
        ]
        for one in items_of(trial)
    ]
    table(rows, ("STEP", "TYPE", "STATE", "OUTPUT OR ERROR"), brief=True)


@workflows.command()
@NAME
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), metavar="N", default=50, help="How many at most (50)."
)
@click.option("--version", "number", type=click.IntRange(1), metavar="VERSION", help="What this one changed.")
@json_option
@station_options
def versions(
    name: str, limit: int, number: int | None, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Show who changed a workflow, and when.

    With --version it shows what that version has otherwise than the one before. Runs keep the version that they began
    with.
    """
    path, settings = f"{place(SHELF, 'workflow', name)}/versions", settings_of(data, database_url)
    head: Sequence[str] = ("VERSION", "SAVED", "BY", "NOTE")
    row: Sequence[str] = ("version", "at", "by", "note")
    if number is None:
        items = ask(settings, lambda control: pages(control, path, {}, limit))
    else:
        items = cast("list[JSON]", one_call(settings, "GET", f"{path}/{number}/differences")["items"])
        head, row = ("SETTING", "CHANGE", "BEFORE", "AFTER"), ("path", "change", "before", "after")
    if as_json:
        out({"items": items})
        return
    shown = cast("Sequence[Mapping[str, JSON]]", items)
    table([[text_of(one[key]) for key in row] for one in shown], head)


@workflows.command()
@NAME
@click.argument("version", type=click.IntRange(1))
@YES
@json_option
@station_options
def rollback(
    name: str, version: int, yes: bool, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Put an old version of a workflow live again, as a new one.

    It is checked as every change is. On a terminal it asks first, unless --yes.
    """
    path = f"{place(SHELF, 'workflow', name)}/rollback"
    if not yes and sys.stdin.isatty():
        click.confirm(f"Put version {version} of {name} live at once?", abort=True, err=True)
    live = one_call(settings_of(data, database_url), "POST", path, {"version": version})
    if as_json:
        out(cast("JSON", live))
    say(f"Version {version} of {name} is live again, as version {live['version']}.")


@workflows.command()
@NAME
@YES
@json_option
@station_options
def delete(name: str, yes: bool, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Delete a workflow; its runs stay, and go on.

    Refused while anything names it. On a terminal it asks first, unless --yes.
    """
    question = f"Delete the workflow {name}? Its runs stay."
    delete_one(settings_of(data, database_url), SHELF, "workflow", name, question, yes=yes, as_json=as_json)


@workflows.command()
@click.argument("template", required=False, default="")
@click.option("--answer", "answers", multiple=True, metavar="'Q=A'", help="An answer; repeat for more.")
@json_option
@station_options
def gallery(
    template: str, answers: tuple[str, ...], as_json: bool, data: str | None, database_url: str | None
) -> None:
    """List templates of workflows, or make a config file of one.

    Without TEMPLATE it lists them with their questions. With it the document goes to stdout, ready for
    `hookstation apply`; what is not answered is as the template has it.
    """
    settings = settings_of(data, database_url)
    if not template:
        _tell_gallery(one_call(settings, "GET", "/gallery"), as_json)
        return
    body: JSON = {"answers": _answers(answers)}
    made = one_call(settings, "POST", place("/gallery", "template", template), body)
    for one in cast("Sequence[Mapping[str, JSON]]", made["problems"]):
        say(f"{one['severity']} here: {one['pointer']}: {one['message']}")
    out(made["document"])


def _tell_gallery(told: Mapping[str, JSON], as_json: bool) -> None:
    if as_json:
        out({"items": told["items"]})
        return
    for one in items_of(told):
        write(f"{one['name']}: {one['title']}")
        write(f"  {one['help']}")
        for each in cast("Sequence[Mapping[str, JSON]]", one["questions"]):
            write(f"  --answer '{each['name']}={each['default'] or '…'}'  {each['title']}: {each['help']}")


def _answers(given: tuple[str, ...]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"“{one}” is no answer; write 'question=answer'.", param_hint="--answer")
        found[name.strip()] = value.strip()
    return found


COMMANDS: Final[tuple[click.Command, ...]] = (workflows,)
