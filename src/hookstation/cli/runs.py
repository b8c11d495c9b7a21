"""Commands on runs: events whose senders were answered before the work was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from hookstation.cli.backend import Refused
from hookstation.cli.each import do_each, with_error
from hookstation.cli.journal import LIMIT, UNPROCESSABLE, pages
from hookstation.cli.speaking import (
    ask,
    json_option,
    one_call,
    out,
    place,
    print_one,
    settings_of,
    station_options,
    table,
    tell,
)
from hookstation.core.values import JSON


@click.group()
def runs() -> None:
    """What is done after the answer: list, show, cancel, retry."""


@runs.command("list")
@click.option("--webhook", default="", metavar="NAME", help="Only of this webhook.")
@click.option(
    "--status",
    default="",
    metavar="S",
    help="Only these: waiting, parked, dead, cancelled, succeeded, failed (all).",
)
@click.option("--since", default="", metavar="T", help="Only from then on: 2026-11-22T09:30:00Z, or 24h ago.")
@LIMIT
@json_option
@station_options
def list_runs(
    webhook: str,
    status: str,
    since: str,
    limit: int,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """List runs, newest first.

    `parked` ones hold up those of their order until somebody retries or cancels them; `dead` ones were given up.
    """
    query = {"webhook": webhook, "status": status, "since": since}
    try:
        items = ask(settings_of(data, database_url), lambda control: pages(control, "/runs", query, limit))
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
            str(one["webhook"]),
            "parked" if one["parked"] else str(one["status"]),
            str(one["attempts"]),
            str(one["next_try_at"] or ""),
            str(one["order"] or ""),
            str(one["error"]),
        ]
        for one in cast("Sequence[Mapping[str, JSON]]", items)
    ]
    table(rows, ("ID", "QUEUED", "WEBHOOK", "STATUS", "TRIES", "NEXT", "ORDER", "ERROR"), brief=True)


@runs.command()
@click.argument("run_id", metavar="ID")
@json_option
@station_options
def show(run_id: str, as_json: bool, data: str | None, database_url: str | None) -> None:
    """Show one run, by its own id or its event's."""
    print_one(one_call(settings_of(data, database_url), "GET", place("/runs", "run", run_id)), as_json)


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@station_options
def cancel(run_ids: tuple[str, ...], as_json: bool, data: str | None, database_url: str | None) -> None:
    """End runs; those behind them go on.

    One that is just being sent is looked up once more, and never sent again.
    """
    do_each(settings_of(data, database_url), "run", run_ids, "cancel", with_error("status"), as_json=as_json)


@runs.command()
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@json_option
@station_options
def retry(run_ids: tuple[str, ...], as_json: bool, data: str | None, database_url: str | None) -> None:
    """Have runs tried now: parked, waiting or given up.

    Many dead letters at once: `hookstation events replay --webhook NAME --state failed`.
    """
    do_each(settings_of(data, database_url), "run", run_ids, "retry", with_error("status"), as_json=as_json)


COMMANDS: Final[tuple[click.Command, ...]] = (runs,)
