"""The list of schedules, and one of them: when it fires next, what came of it, and a run at once."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.schedules.definitions import Starts
from hookstation.engine.schedules.firing import trigger_of
from hookstation.ports.runs import RunFilter
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.chain.schedule_form import COUNT
from hookstation.web.pages.chain.things import document_of, unreadable
from hookstation.web.pages.chain.words import began, page_of, say_schedule
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "saved": "Saved. It goes by these settings at once.",
    "state": "Its state was changed.",
    "enabled": "It fires again at its times.",
    "polled": "Its poll looks now; what came stands there.",
}


async def show_list(request: Request, services: Services) -> Response:
    """Every schedule, searched and filtered by the address alone."""
    asked = {name: request.query_params.get(name, "") for name in ("search", "state", "done")}
    everything = await services.chain.schedules.all()
    words = asked["search"].casefold().split()
    found = []
    for one in everything:
        schedule = one.schedule
        state = "off" if one.off else schedule.state.value
        text = " ".join((schedule.name, schedule.title, schedule.target, say_schedule(schedule))).casefold()
        if asked["state"] in ("", state) and all(word in text for word in words):
            found.append((one, say_schedule(schedule), state))
    context = {
        "rows": found,
        "asked": asked,
        "total": len(everything),
        "unreadable": unreadable("schedule", services),
    }
    return await page(request, "chain/schedules.html", context, part="schedules")


async def show(request: Request, services: Services) -> Response:
    """One schedule."""
    name: str = request.path_params["name"]
    document_of("schedule", name, services)
    standing = await services.chain.schedules.one(name)
    runs = await services.store.list_runs(RunFilter(trigger=trigger_of(name)), 10)
    context = {
        "one": standing.schedule,
        "standing": standing,
        "said": say_schedule(standing.schedule),
        "fires": services.chain.schedules.preview(name, COUNT),
        "zone": standing.schedule.zone,
        "doubts": [],
        "runs": runs.items,
        "starts_poll": standing.schedule.kind is Starts.POLL,
        "began": began,
        "page_of": page_of,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "chain/schedule.html", context)


async def run_now(request: Request, services: Services) -> Response:
    """Start what it starts, besides its times."""
    name: str = request.path_params["name"]
    begun = await services.chain.schedules.run_now(name, visitor_of(request).name)
    there = f"/runs/{begun.id}?done=begun" if begun else f"/schedules/{name}?done=polled"
    return RedirectResponse(there, 303)


PAGES: Final = (
    Page("/schedules", show_list),
    Page("/schedules/{name}", show),
    Page("/schedules/{name}/run", run_now, ("POST",)),
)
