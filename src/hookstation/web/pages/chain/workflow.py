"""One workflow: its flow, its figures, its runs, its versions, and a run begun or tried by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import ENDED, RunState
from hookstation.engine.workflows.trying import Tried
from hookstation.errors import BodyRefused, Conflict, Invalid, MappingFailed, NotFound
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.flow import flow
from hookstation.web.pages.chain.history import titles
from hookstation.web.pages.chain.listing import DAY, bars, last_runs
from hookstation.web.pages.chain.run_acts import NOT_JSON, what_is_wrong
from hookstation.web.pages.chain.things import document_of
from hookstation.web.pages.chain.words import Starters, began, page_of
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "state": "Its state was changed. Runs that had begun go on.",
    "made": "It was made. Try it with a dry run, then look at its steps in the editor.",
}
PER_PAGE: Final = 50


async def show(request: Request, services: Services) -> Response:
    """The page of a workflow."""
    return await render(request, services)


async def render(
    request: Request,
    services: Services,
    *,
    tried: Sequence[Tried] = (),
    text: str | None = None,
    problem: str = "",
) -> Response:
    """The page, with what a dry run did, or what is wrong with the input that was typed."""
    name: str = request.path_params["name"]
    document_of("workflow", name, services)
    one = services.board.workflows[name]
    runs = await last_runs(name, services)
    figures = await services.store.figures_of_runs(services.clock.now() - DAY)
    states = next((each.states for each in figures if each.workflow == name), {})
    context = {
        "one": one,
        "flow": flow(one.steps),
        "starters": Starters(services).of(one),
        "runs": runs[:10],
        "bars": bars(runs),
        "counted": {
            "succeeded": states.get(RunState.SUCCEEDED, 0),
            "failed": states.get(RunState.FAILED, 0),
            "open": sum(count for state, count in states.items() if state not in ENDED),
            "unknown": states.get(RunState.UNKNOWN, 0),
        },
        "versions": (await services.chain.workflows.versions(name, 5)),
        "live": services.board.workflow_version(name),
        "began": began,
        "page_of": page_of,
        "text": pretty(one.sample) if text is None else text,
        "tried": tried,
        "titles": titles((each.path for each in tried), one),
        "problem": problem,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "chain/workflow.html", context, 422 if problem else 200)


async def run(request: Request, services: Services) -> Response:
    """Begin a run with the JSON that was typed, or only say what it would do."""
    name: str = request.path_params["name"]
    form = await read_form(request)
    text = form.one("text") or "null"
    wrong = what_is_wrong(text)
    if wrong:
        told = NOT_JSON.format(what="input", why=wrong)
        return await render(request, services, text=text, problem=told)
    given: JSON = parse_json(text.encode()).value
    use = services.chain.workflows
    try:
        if form.one("act") == "dry":
            tried = await asyncio.to_thread(use.dry_run, name, given)
            return await render(request, services, tried=tried, text=text)
        begun = await use.run(name, given, visitor_of(request).name)
    except (Invalid, MappingFailed, Conflict) as refused:
        return await render(request, services, text=text, problem=refused.message)
    return RedirectResponse(f"/runs/{begun.id}?done=begun", 303)


async def list_versions(request: Request, services: Services) -> Response:
    """Every saved definition, the newest first."""
    name: str = request.path_params["name"]
    before = _number(request.query_params.get("before", ""))
    found = await services.chain.workflows.versions(name, PER_PAGE + 1, before)
    live = services.board.workflow_version(name)
    if not live and not found:
        raise NotFound("workflow", name)
    context = {
        "name": name,
        "versions": found[:PER_PAGE],
        "more": found[PER_PAGE - 1].number if len(found) > PER_PAGE else 0,
        "live": live,
        "done": _number(request.query_params.get("done", "")),
    }
    return await page(request, "chain/versions.html", context)


async def show_version(request: Request, services: Services) -> Response:
    """One version, and what it has otherwise than the one before, or than the one that is asked for."""
    name, number = request.path_params["name"], _number(request.path_params["number"])
    use = services.chain.workflows
    version = await use.version(name, number or -1)
    asked = request.query_params.get("against", "")
    against = _number(asked) if asked else number - 1
    try:
        differences = await use.difference(name, against, number) if against else None
    except NotFound:
        differences = None
    context = {
        "name": name,
        "version": version,
        "against": against,
        "differences": differences,
        "document": _read(version.document),
        "live": services.board.workflow_version(name),
    }
    return await page(request, "chain/version.html", context)


async def roll_back(request: Request, services: Services) -> Response:
    """Put an old version live again, as a new one."""
    name: str = request.path_params["name"]
    number = _number((await read_form(request)).one("version"))
    await services.chain.workflows.roll_back(name, number or -1, visitor_of(request).name)
    return RedirectResponse(f"/workflows/{quote(name)}/versions?done={number}", 303)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _read(document: str) -> JSON:
    try:
        return parse_json(document.encode(), depth=128, members=1_000_000).value
    except BodyRefused:
        return document


PAGES: Final = (
    Page("/workflows/{name}", show),
    Page("/workflows/{name}/run", run, ("POST",)),
    Page("/workflows/{name}/versions", list_versions),
    Page("/workflows/{name}/versions/{number}", show_version),
    Page("/workflows/{name}/roll-back", roll_back, ("POST",)),
)
