"""The list of polls, and one of them: where it stands, a look now, a trial, a range again, and a new beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents.poll_sources import source_values
from hookstation.core.schedules.words import say_every
from hookstation.engine.polls.polling import PollTurn
from hookstation.engine.polls.services import Repaired, Tried
from hookstation.errors import ActionFailed, Conflict, Invalid, MappingFailed
from hookstation.ports.store import EventFilter
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.things import document_of, unreadable
from hookstation.web.pages.chain.words import SOURCES
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "saved": "Saved. Try it, then let it look.",
    "state": "Its state was changed.",
    "reset": "It begins anew with its next turn. What came before is known by its keys.",
}


async def show_list(request: Request, services: Services) -> Response:
    """Every poll, searched and filtered by the address alone."""
    asked = {name: request.query_params.get(name, "") for name in ("search", "state", "done")}
    everything = await services.chain.polls.all()
    words = asked["search"].casefold().split()
    found = []
    for one in everything:
        poll = one.poll
        source = SOURCES.get(str(source_values(poll.source)["type"]), "")
        text = " ".join((poll.name, poll.webhook.title, source, poll.webhook.workflow)).casefold()
        if asked["state"] in ("", poll.state.value) and all(word in text for word in words):
            found.append((one, source))
    context = {
        "rows": found,
        "asked": asked,
        "total": len(everything),
        "unreadable": unreadable("poll", services),
    }
    return await page(request, "chain/polls.html", context, part="polls")


async def show(request: Request, services: Services) -> Response:
    """One poll."""
    return await render(request, services)


async def render(
    request: Request,
    services: Services,
    *,
    tried: Sequence[Tried] | None = None,
    turn: PollTurn | None = None,
    repaired: Repaired | None = None,
    problem: str = "",
) -> Response:
    """The page, with what was just done."""
    name: str = request.path_params["name"]
    document = document_of("poll", name, services)
    standing = await services.chain.polls.one(name)
    source = document["source"]
    kind = str(source["type"]) if isinstance(source, dict) else ""
    events = await services.store.list_events(EventFilter(name), 10)
    context = {
        "one": standing.poll,
        "standing": standing,
        "kind": kind,
        "source": SOURCES.get(kind, kind),
        "document": document,
        "at": pretty(standing.position.value()) if standing.position.begun else "",
        "events": events.items,
        "tried": tried,
        "turn": turn,
        "repaired": repaired,
        "problem": problem,
        "done": DONE.get(request.query_params.get("done", ""), ""),
        "often": say_every(int(standing.poll.every)),
    }
    return await page(request, "chain/poll.html", context, 422 if problem else 200)


async def look_now(request: Request, services: Services) -> Response:
    """Have it look now."""
    name: str = request.path_params["name"]
    try:
        turn = await services.chain.polls.run(name, visitor_of(request).name)
    except (ActionFailed, Conflict, Invalid) as refused:
        return await render(request, services, problem=refused.message)
    return await render(request, services, turn=turn, problem=turn.error)


async def try_it(request: Request, services: Services) -> Response:
    """What would come; nothing is written."""
    name: str = request.path_params["name"]
    try:
        tried = await services.chain.polls.try_it(name)
    except (ActionFailed, Invalid, MappingFailed) as refused:
        return await render(request, services, problem=refused.message)
    return await render(request, services, tried=tried)


async def repair(request: Request, services: Services) -> Response:
    """Ask for a range again."""
    name: str = request.path_params["name"]
    form, who = await read_form(request), visitor_of(request).name
    since, until = form.one("since").strip(), form.one("until").strip()
    try:
        repaired = await services.chain.polls.repair(name, since, until, who)
    except (ActionFailed, Conflict, Invalid) as refused:
        return await render(request, services, problem=refused.message)
    return await render(request, services, repaired=repaired)


async def reset(request: Request, services: Services) -> Response:
    """Begin anew; its name was typed."""
    name: str = request.path_params["name"]
    form = await read_form(request)
    check_typed(form, name)
    first = form.one("date").strip() if form.one("first") == "since" else form.one("first")
    await services.chain.polls.reset(name, first, visitor_of(request).name)
    return RedirectResponse(f"/polls/{name}?done=reset", 303)


PAGES: Final = (
    Page("/polls", show_list),
    Page("/polls/{name}", show),
    Page("/polls/{name}/run", look_now, ("POST",)),
    Page("/polls/{name}/try", try_it, ("POST",)),
    Page("/polls/{name}/repair", repair, ("POST",)),
    Page("/polls/{name}/reset", reset, ("POST",)),
)
