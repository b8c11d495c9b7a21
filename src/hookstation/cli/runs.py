"""Commands on runs, of workflows and of webhooks whose senders were answered before the work was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import IO, Final, cast

import click

from hookstation.cli.backend import Refused
from hookstation.cli.each import do_each, with_error
from hookstation.cli.journal import LIMIT, UNPROCESSABLE, pages
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
    tell,
    text_of,
    write,
)
from hookstation.core.values import JSON

STATUS: Final = (
    "Only these: open, queued, running, waiting, parked, unknown, succeeded, failed, dead, cancelled (all)."
)


@click.group()
def runs() -> None:
    """What is done after the answer: list, steps, cancel, retry."""


@runs.command("list")
@click.option("--webhook", default="", metavar="NAME", help="Only what this webhook or poll began.")
@click.option("--workflow", default="", metavar="NAME", help="Only of this workflow; or transfer:NAME.")
@click.option(
    "--trigger",
    default="",
    metavar="T",
    help="Only begun by this, like schedule:nightly, or schedule: (any).",
)
@click.option("--status", default="", metavar="S", help=STATUS)
@click.option("--since", default="", metavar="T", help="Only from then on: 2026-11-22T09:30:00Z, or 24h ago.")
@LIMIT
@json_option
@station_options
def list_runs(limit: int, as_json: bool, data: str | None, database_url: str | None, **asked: str) -> None:
    """List runs, newest first.

    `parked` ones hold up those of their order until somebody retries or cancels them, or wait for a person's word on
    a step; `dead` ones were given up.
    """
    try:
        items = ask(settings_of(data, database_url), lambda control: pages(control, "/runs", asked, limit))
    except Refused as refused:
        tell(refused)
        sys.exit(2 if refused.document.get("status") == UNPROCESSABLE else 1)
    if as_json:
        out({"items": items})
        return
    rows = [
        [
            str(one["id"]),
            str(one["queued_at"]),
            str(one["workflow"] or one["webhook"]),
            "parked" if one["parked"] else str(one["status"]),
            str(one["attempts"]),
            str(one["next_try_at"] or ""),
            str(one["order"] or ""),
            str(one["error"]),
        ]
        for one in cast("Sequence[Mapping[str, JSON]]", items)
    ]
    table(rows, ("ID", "QUEUED", "OF", "STATUS", "TRIES", "NEXT", "ORDER", "ERROR"), brief=True)


@runs.command()
@click.argument("run_id", metavar="ID")
@json_option
@station_options
def show(run_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one run, by its own id or its event's."""
    print_one(one_call(settings_of(data, database_url), "GET", place("/runs", "run", run_id)), as_json)


@runs.command()
@click.argument("run_id", metavar="ID")
@click.option("--under", default="", metavar="PATH", help="Only this step and what lies within it.")
@click.option("--every", is_flag=True, help="Every try, not only the latest one of each step.")
@LIMIT
@json_option
@station_options
def steps(
    run_id: str,
    under: str,
    every: bool,
    limit: int,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Show what a workflow's run did, step by step."""
    path = f"{place('/runs', 'run', run_id)}/steps"
    query = {"under": under, "every": "true" if every else ""}
    items = ask(settings_of(data, database_url), lambda control: pages(control, path, query, limit))
    if as_json:
        out({"items": items})
        return
    rows = [
        [
            str(one["path"]),
            str(one["state"]),
            str(one["attempt"]),
            str(one["started_at"] or ""),
            _took(one["microseconds"]),
            str(one["error"]) or text_of(one["output"]),
        ]
        for one in cast("Sequence[Mapping[str, JSON]]", items)
    ]
    table(rows, ("STEP", "STATE", "TRY", "BEGAN", "TOOK", "OUTPUT OR ERROR"), brief=True)


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@station_options
def cancel(run_ids: tuple[str, ...], as_json: bool, data: str | None, database_url: str | None) -> None:
    """End runs; those behind them go on.

    One of a webhook that is just being sent is looked up once more, and never sent again.
    """
    do_each(settings_of(data, database_url), "run", run_ids, "cancel", with_error("status"), as_json=as_json)


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--whole", is_flag=True, help="Of a workflow: all steps anew, not from the failed one.")
@click.option(
    "--input", "input_", type=click.File("rb"), metavar="FILE", help="Of a workflow: anew with this (JSON)."
)
@json_option
@station_options
def retry(
    run_ids: tuple[str, ...],
    whole: bool,
    input_: IO[bytes] | None,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Have runs tried now: parked, waiting or given up.

    A workflow's run that has ended is done again as a new run, from the step that failed. Many dead letters of a
    webhook at once: `hookstation events replay --webhook NAME --state failed`.
    """
    body: dict[str, JSON] = {"whole": True} if whole or input_ is not None else {}
    if input_ is not None:
        body["input"] = read_json(input_)
    settings = settings_of(data, database_url)
    do_each(settings, "run", run_ids, "retry", with_error("status"), body=body or None, as_json=as_json)


@runs.command()
@click.argument("run_id", metavar="ID")
@click.argument("path", metavar="STEP")
@click.option("--happened/--did-not-happen", required=True, help="Whether the step had its effect.")
@click.option("--output", type=click.File("rb"), metavar="FILE", help="What it put out (JSON); - is stdin.")
@json_option
@station_options
def resolve(
    run_id: str,
    path: str,
    happened: bool,
    output: IO[bytes] | None,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Say what became of a step whose outcome is unknown.

    Look in the other system first. What happened is not done again; what did not happen is.
    """
    body: dict[str, JSON] = {"path": path, "happened": happened}
    if output is not None:
        body["output"] = read_json(output)
    run = f"{place('/runs', 'run', run_id)}/resolve"
    print_one(one_call(settings_of(data, database_url), "POST", run, body), as_json)


@runs.command("try")
@click.argument("run_id", metavar="ID")
@click.argument("expression", metavar="TEMPLATE")
@click.option("--condition", is_flag=True, help="It is a condition: tell whether it holds.")
@json_option
@station_options
def try_expression(
    run_id: str, expression: str, condition: bool, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Try a template on what a workflow's run has.

    It reads what a step would that stood behind all that have ended, with secrets masked. Ends with 1 where the
    template fails.
    """
    path = f"{place('/runs', 'run', run_id)}/try"
    body: JSON = {"condition" if condition else "template": expression}
    tried = one_call(settings_of(data, database_url), "POST", path, body)
    if as_json:
        out(cast("JSON", tried))
    elif tried["missing"]:
        say("The property that it reads is not there; it is left out.")
    elif not tried["error"]:
        write(text_of(tried["value"]))
    if tried["error"]:
        say(f"error: {tried['error']}")
        sys.exit(1)


def _took(microseconds: JSON) -> str:
    return f"{microseconds / 1000:.1f} ms" if isinstance(microseconds, int) else ""


COMMANDS: Final[tuple[click.Command, ...]] = (runs,)
