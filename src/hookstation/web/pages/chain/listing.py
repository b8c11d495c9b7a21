"""The list of workflows: what starts each, how its last runs went, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.workflows.definitions import TriggerKind, Workflow, WorkflowState
from hookstation.core.workflows.values import ENDED, Run, RunState
from hookstation.ports.runs import RunFilter
from hookstation.web.pages.chain.things import unreadable
from hookstation.web.pages.chain.words import RUN_MEANINGS, Starter, Starters
from hookstation.web.pages.charts import Bar, spark
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
LAST: Final = 20
"""Runs that the sparkline shows."""

DAY: Final = 86_400_000_000
SORTS: Final = {"name": "name", "failures": "failures of the last day", "last": "last run"}
NO_FIGURES: Final[Mapping[RunState, int]] = {}


@dataclass(frozen=True, slots=True)
class Shown:
    """A row. `bars`: the last runs, the oldest first, as high as each took long; `failed` and `open`: so many runs."""

    workflow: Workflow
    starters: Sequence[Starter]
    last: Run | None
    bars: Sequence[Bar]
    runs: int
    failed: int
    open: int
    unknown: int


async def show_list(request: Request, services: Services) -> Response:
    """The list: searched, filtered and sorted by the address alone."""
    names = ("search", "state", "trigger", "sort", "order", "page", "done")
    asked = {name: request.query_params.get(name, "") for name in names}
    starters = Starters(services)
    everything = sorted(services.board.workflows.values(), key=lambda one: one.name)
    found = [one for one in everything if _fits(one, starters, asked)]
    figures = await _figures(services)
    if asked["sort"] in ("failures", "last"):
        found = await _sorted(found, asked["sort"], figures, services)
    if asked["order"] == "down":
        found.reverse()
    number = int(asked["page"]) if asked["page"].isascii() and asked["page"].isdecimal() else 1
    shown = found[(number - 1) * PER_PAGE :][:PER_PAGE] if number else []
    rows = await asyncio.gather(
        *(_row(one, starters, figures.get(one.name, NO_FIGURES), services) for one in shown)
    )
    context = {
        "rows": rows,
        "asked": asked,
        "found": len(found),
        "total": len(everything),
        "number": number,
        "more": len(found) > number * PER_PAGE,
        "states": [one.value for one in WorkflowState],
        "triggers": [one.value for one in TriggerKind],
        "sorts": SORTS,
        "meanings": RUN_MEANINGS,
        "unreadable": unreadable("workflow", services),
        "waits": len(await services.store.list_waits()),
    }
    return await page(request, "chain/workflows.html", context, part="workflows")


def _fits(one: Workflow, starters: Starters, asked: Mapping[str, str]) -> bool:
    told = [one.name, one.title, one.note, *(each.words for each in starters.of(one))]
    text = " ".join(told).casefold()
    state = asked["state"]
    shown = one.state.value == state if state else one.state is not WorkflowState.ARCHIVED
    return (
        shown
        and asked["trigger"] in ("", one.trigger.kind.value)
        and all(word in text for word in asked["search"].casefold().split())
    )


async def _figures(services: Services) -> dict[str, Mapping[RunState, int]]:
    """Runs by state and workflow: all open ones, and those of the last day that ended."""
    found = await services.store.figures_of_runs(services.clock.now() - DAY)
    return {one.workflow: one.states for one in found}


async def _sorted(
    found: list[Workflow], by: str, figures: Mapping[str, Mapping[RunState, int]], services: Services
) -> list[Workflow]:
    """The ones first that have most failures, or that ran last."""
    if by == "failures":
        return sorted(found, key=lambda one: -figures.get(one.name, NO_FIGURES).get(RunState.FAILED, 0))
    newest = await asyncio.gather(*(last_runs(one.name, services, 1) for one in found))
    last = {one.name: runs[0].id if runs else "" for one, runs in zip(found, newest, strict=True)}
    return sorted(found, key=lambda one: last[one.name], reverse=True)


async def last_runs(name: str, services: Services, most: int = LAST) -> Sequence[Run]:
    """The newest runs of a workflow, the newest first."""
    return (await services.store.list_runs(RunFilter(name), most)).items


async def _row(
    one: Workflow, starters: Starters, figures: Mapping[RunState, int], services: Services
) -> Shown:
    runs = await last_runs(one.name, services)
    return Shown(
        one,
        starters.of(one),
        runs[0] if runs else None,
        bars(runs),
        len(runs),
        figures.get(RunState.FAILED, 0),
        sum(count for state, count in figures.items() if state not in ENDED),
        figures.get(RunState.UNKNOWN, 0),
    )


def bars(runs: Sequence[Run]) -> list[Bar]:
    """The sparkline of runs that are given newest first: as high as each took long, full of failure where it failed."""
    took = [max(one.ended_at - one.started_at, 1) if one.ended_at else 1 for one in reversed(runs)]
    failures = [
        length if one.state is RunState.FAILED else 0
        for one, length in zip(reversed(runs), took, strict=True)
    ]
    missing = [0] * (LAST - len(took))
    return spark([*missing, *took], [*missing, *failures])


PAGES: Final = (Page("/workflows", show_list),)
