"""The list of runs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.workflows.values import Run, RunState
from hookstation.errors import Invalid, Problem
from hookstation.ports.runs import RunFilter
from hookstation.web.api.asking import moment_in
from hookstation.web.pages.chain.words import RUN_MEANINGS, began, page_of
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
NAMES: Final = ("workflow", "status", "trigger", "since", "until")
TRIGGERS: Final = (
    ("webhook:", "a webhook"),
    ("schedule:", "a schedule"),
    ("poll:", "a poll"),
    ("event:", "an event"),
    ("change:", "a change"),
    ("workflow:", "another workflow"),
    ("manual:", "a person"),
)
OPEN: Final = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.UNKNOWN})
STATES: Final = (("open", "not at its end"), *((one.value, one.value) for one in RunState))


def filter_of(asked: Mapping[str, str], now: int) -> RunFilter:
    """Which runs are meant. Raises `Invalid`."""
    status = asked["status"]
    if status == "open":
        states = OPEN
    elif not status:
        states = frozenset()
    elif status in {one.value for one in RunState}:
        states = frozenset({RunState(status)})
    else:
        told = f"“{status}” is not known; choose one of open, {', '.join(RunState)}."
        raise Invalid([Problem(("status",), told)])
    since, until = (moment_in(name, asked[name], now) for name in ("since", "until"))
    return RunFilter(asked["workflow"], states, asked["trigger"], since=since, until=until)


async def show_list(request: Request, services: Services) -> Response:
    """Runs; the newest page renews itself unless that is paused."""
    asked = {name: request.query_params.get(name, "") for name in (*NAMES, "after", "live")}
    wrong: tuple[str, ...] = ()
    items: list[Run] = []
    following = ""
    try:
        found = await services.store.list_runs(
            filter_of(asked, services.clock.now()), PER_PAGE, asked["after"]
        )
        items, following = [*found.items], found.next
    except Invalid as invalid:
        wrong = tuple(f"{str(one.path[0]).capitalize()} {one.message}" for one in invalid.problems)
    board = services.board
    context = {
        "runs": items,
        "next": following,
        "asked": asked,
        "wrong": wrong,
        "filtered": any(asked[name] for name in NAMES),
        "live": asked["live"] != "off" and not asked["after"] and not wrong,
        "workflows": [
            *((name, name) for name in sorted(board.documents("workflow"))),
            *((f"transfer:{name}", f"transfer {name}") for name in sorted(board.documents("transfer"))),
        ],
        "states": STATES,
        "triggers": TRIGGERS,
        "meanings": RUN_MEANINGS,
        "began": began,
        "page_of": page_of,
    }
    return await page(request, "chain/runs.html", context, 422 if wrong else 200, part="runs")


PAGES: Final = (Page("/runs", show_list),)
