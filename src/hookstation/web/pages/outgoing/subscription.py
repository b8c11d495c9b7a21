"""One subscription: which events go to which destination, what they look like there, and what came of them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.outgoing.types import OWN_TYPES
from hookstation.core.outgoing.values import DeliveryAttempt
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.outgoing.destination import NEWEST, shown_test
from hookstation.web.pages.outgoing.preview import OVER, REAL, preview
from hookstation.web.pages.outgoing.saving import save
from hookstation.web.pages.outgoing.subscription_form import document_of
from hookstation.web.pages.outgoing.words import TROUBLES, WAYS
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "saved": "Saved, and live now.",
    "on": "It takes part again: what happens from now on is delivered.",
    "off": "It does not take part any more: what happens from now on is not delivered by it.",
}
"""What was just done, in words."""


async def show(request: Request, services: Services) -> Response:
    """The page of one subscription."""
    return await _render(request, services)


async def _render(request: Request, services: Services, attempt: DeliveryAttempt | None = None) -> Response:
    name: str = request.path_params["name"]
    document = document_of(name, services)
    one = services.board.subscriptions[name]
    is_there = services.outgoing.live.has(one.destination)
    context = {
        "one": one,
        "document": document,
        "said": {own.name: own.said for own in OWN_TYPES},
        "ways": WAYS,
        "standing": await services.outgoing.figures.one(one.destination) if is_there else None,
        "shown": await preview(one, REAL, services),
        "newest": (await services.store.list_deliveries(DeliveryFilter(subscription=name), NEWEST)).items,
        "overs": OVER,
        "attempt": shown_test(attempt),
        "troubles": TROUBLES,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "outgoing/subscription.html", context)


async def test(request: Request, services: Services) -> Response:
    """Send a sample, or the last real event, as this subscription sends it; nothing of it is kept."""
    name: str = request.path_params["name"]
    form = await read_form(request)
    document_of(name, services)
    one = services.board.subscriptions[name]
    event = await services.showing.event_for(one, real=form.one("over") == REAL)
    attempt = await services.outgoing.try_out.send(
        one.destination, visitor_of(request).name, name, event.type, event.payload.encode()
    )
    return await _render(request, services, attempt)


async def set_active(request: Request, services: Services) -> Response:
    """Have it take part, or not."""
    name: str = request.path_params["name"]
    active = (await read_form(request)).one("active") == "true"
    await save(request, services, "subscription", {**document_of(name, services), "active": active})
    return RedirectResponse(f"/outgoing/subscriptions/{quote(name)}?done={'on' if active else 'off'}", 303)


async def delete(request: Request, services: Services) -> Response:
    """Take it away; its name was typed."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    await services.configurator.delete("subscription", name)
    return RedirectResponse(f"/outgoing?done={quote(name)}", 303)


PAGES: Final = (
    Page("/outgoing/subscriptions/{name}", show),
    Page("/outgoing/subscriptions/{name}/test", test, ("POST",)),
    Page("/outgoing/subscriptions/{name}/active", set_active, ("POST",)),
    Page("/outgoing/subscriptions/{name}/delete", delete, ("POST",)),
)
