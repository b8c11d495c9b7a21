"""Commands on what waits for a person's decision: list, approve, refuse."""

from __future__ import annotations

from typing import Final, cast

import click

from hookstation.cli.journal import LIMIT, pages
from hookstation.cli.speaking import (
    ask,
    json_option,
    one_call,
    out,
    place,
    say,
    settings_of,
    station_options,
    table,
    text_of,
    write,
)
from hookstation.core.values import JSON

RUN = click.argument("run_id", metavar="RUN")
STEP = click.argument("path", metavar="STEP")
NOTE = click.option("--note", default="", metavar="TEXT", help="Why, for the run's page.")
HEAD: Final = ("RUN", "STEP", "WORKFLOW", "PERSON", "EXPIRES", "QUESTION")


@click.group()
def approvals() -> None:
    """What waits for a person: list, approve, refuse."""


@approvals.command("list")
@click.option("--person", default="", metavar="EMAIL", help="Only what this person is asked.")
@LIMIT
@json_option
@station_options
def list_approvals(
    person: str, limit: int, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """List what waits for a person's decision, the oldest first."""
    query = {"person": person}
    items = ask(settings_of(data, database_url), lambda control: pages(control, "/approvals", query, limit))
    if as_json:
        out({"items": items})
        return
    names = ("run_id", "path", "workflow", "person", "expires_at", "title")
    rows = [[text_of(one[name]) for name in names] for one in cast("list[dict[str, JSON]]", items)]
    if not rows:
        say("Nothing waits for a decision.")
        return
    table(rows, HEAD)


@approvals.command()
@RUN
@STEP
@NOTE
@json_option
@station_options
def approve(
    run_id: str, path: str, note: str, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Approve what a run asks; the run goes on.

    An administrator may decide for the person who was asked; the run tells who did.
    """
    _decide(run_id, path, note, as_json, data, database_url, approved=True)


@approvals.command()
@RUN
@STEP
@NOTE
@json_option
@station_options
def refuse(
    run_id: str, path: str, note: str, as_json: bool, data: str | None, database_url: str | None
) -> None:
    """Refuse what a run asks; the step fails, and its rule decides.

    An administrator may decide for the person who was asked; the run tells who did.
    """
    _decide(run_id, path, note, as_json, data, database_url, approved=False)


def _decide(
    run_id: str,
    path: str,
    note: str,
    as_json: bool,
    data: str | None,
    database_url: str | None,
    *,
    approved: bool,
) -> None:
    body: JSON = {"path": path, "approved": approved, "note": note}
    run = f"{place('/runs', 'run', run_id)}/approve"
    told = one_call(settings_of(data, database_url), "POST", run, body)
    if as_json:
        out(cast("JSON", told))
        return
    instead = f" for {told['person']}" if told["for_another"] else ""
    write(f"{run_id}: {'approved' if approved else 'refused'} by {told['by']}{instead}")


COMMANDS: Final[tuple[click.Command, ...]] = (approvals,)
