"""What a person does with one event: replay it, end it, settle an unknown outcome. Each is shown before it is done."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.events import Event, State
from hookstation.engine.replay import FREELY, KNOWINGLY, REFUSED
from hookstation.engine.resolve import Look
from hookstation.errors import ActionFailed, AddressRefused, Conflict, Invalid, NotFound
from hookstation.ports.store import Payload
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.filters import pretty
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

YES: Final = "yes"
WRITTEN: Final = "written"
OUTCOMES: Final = (WRITTEN, "not_written")
CAN_END: Final = frozenset({State.HELD, State.UNKNOWN})
"""States in which an event can be ended; in any open one where its sender was answered before."""


def can_replay(event: Event, payload: Payload | None) -> bool:
    """Whether a replay may be offered."""
    return payload is not None and event.state in KNOWINGLY


async def show_replay(request: Request, services: Services) -> Response:
    """What a replay would do: a dry run that writes nothing and asks no target."""
    event = await _event(request, services)
    foreseen = await services.replay.foresee(event, again=True)
    context = {
        "one": event,
        "foreseen": foreseen,
        "record": pretty(foreseen.record.as_json()) if foreseen.record else "",
        "doubles": event.state not in FREELY,
        "possible": event.state in KNOWINGLY and foreseen.verdict != REFUSED,
    }
    return await page(request, "events/replay.html", context)


async def replay(request: Request, services: Services) -> Response:
    """Make a new attempt."""
    form = await read_form(request)
    event = await services.replay.replay(request.path_params["id"], again=form.one("again") == YES)
    return _back(event.id, "replayed")


async def cancel(request: Request, services: Services) -> Response:
    """End an event that is held, or whose outcome is looked up."""
    event = await services.remedies.cancel.cancel(request.path_params["id"], visitor_of(request).name)
    return _back(event.id, "cancelled")


async def try_now(request: Request, services: Services) -> Response:
    """Have an event tried now that waits for its next try, or is parked."""
    event = await services.remedies.run_again.retry(request.path_params["id"], visitor_of(request).name)
    return _back(event.id, "hurried")


async def show_resolve(request: Request, services: Services) -> Response:
    """What the target holds now of an event whose outcome is unknown."""
    event = await _event(request, services)
    look: Look | None = None
    trouble = ""
    try:
        look = await services.remedies.resolve.look(event.id)
    except (ActionFailed, AddressRefused, Conflict) as failure:
        if event.state is not State.UNKNOWN:
            raise
        trouble = failure.message
    return await _resolve_page(request, event, look, trouble)


async def _resolve_page(
    request: Request, event: Event, look: Look | None, trouble: str, error: str = "", status: int = 200
) -> Response:
    context = {
        "one": event,
        "look": look,
        "record": pretty(look.record.as_json()) if look else "",
        "trouble": trouble,
        "error": error,
    }
    return await page(request, "events/resolve.html", context, status)


async def resolve(request: Request, services: Services) -> Response:
    """Take a person's word for how it ended."""
    event, form = await _event(request, services), await read_form(request)
    use, who = services.remedies.resolve, visitor_of(request).name
    if form.one("outcome") not in OUTCOMES:
        return await _resolve_page(request, event, None, "", "Choose one of the two.", 422)
    try:
        if form.one("outcome") == WRITTEN:
            await use.written(event.id, form.one(WRITTEN).strip(), who)
        else:
            await use.not_written(event.id, who)
    except Invalid as invalid:
        wrong = f"The key {invalid.problems[0].message}"
        return await _resolve_page(request, event, None, "", wrong, 422)
    return _back(event.id, "resolved")


async def _event(request: Request, services: Services) -> Event:
    event_id: str = request.path_params["id"]
    event = await services.store.get_event(event_id)
    if event is None:
        raise NotFound("event", event_id)
    return event


def _back(event_id: str, done: str) -> Response:
    return RedirectResponse(f"/events/{quote(event_id, safe='')}?done={done}", 303)


PAGES: Final = (
    Page("/events/{id}/replay", show_replay),
    Page("/events/{id}/replay", replay, ("POST",)),
    Page("/events/{id}/cancel", cancel, ("POST",)),
    Page("/events/{id}/try-now", try_now, ("POST",)),
    Page("/events/{id}/resolve", show_resolve),
    Page("/events/{id}/resolve", resolve, ("POST",)),
)
