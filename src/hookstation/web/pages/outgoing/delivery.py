"""One delivery: its event, every attempt, and what happens next."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.outgoing.definitions import DestinationMode
from hookstation.core.outgoing.values import Delivery, DeliveryState, Health
from hookstation.engine.outgoing.figures import Standing
from hookstation.errors import NotFound
from hookstation.ports.store import Payload
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.events import body_of
from hookstation.web.pages.outgoing.attempts import tried
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

DONE: Final = {
    "resent": "It is tried again now. Load the page anew to see what came of it.",
    "cancelled": "It was ended: nothing more is sent for it.",
}
GIVEN_UP: Final = (
    "Nothing by itself: its attempts are used up, or the receiver is gone. Resend it when that is mended."
)
KEPT: Final = "Its destination is {word}: it waits until that is {until}, and nothing is lost."


async def show(request: Request, services: Services) -> Response:
    """The page of one delivery."""
    delivery_id: str = request.path_params["id"]
    found = await services.store.get_delivery(delivery_id)
    if found is None:
        raise NotFound("delivery", delivery_id)
    event = await services.store.get_event_out(found.event_id)
    attempts = await services.store.list_delivery_attempts(delivery_id)
    standing = await _standing(found.destination, services)
    is_there = not found.subscription or services.outgoing.live.has_subscription(found.subscription)
    payload = None if event is None else await asyncio.to_thread(body_of, Payload("", event.payload.encode()))
    context = {
        "one": found,
        "event": event,
        "payload": payload,
        "attempts": [tried(one) for one in reversed(attempts)],
        "next": next_step(found, standing),
        "destination_is_there": standing is not None,
        "subscription_is_there": is_there,
        "can_resend": standing is not None
        and is_there
        and standing.destination.mode is not DestinationMode.DISABLED,
        "waits": found.state is DeliveryState.WAITING,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "outgoing/delivery.html", context, part="delivery")


async def _standing(destination: str, services: Services) -> Standing | None:
    return (
        await services.outgoing.figures.one(destination) if services.outgoing.live.has(destination) else None
    )


def next_step(one: Delivery, standing: Standing | None) -> str:
    """What happens next, in a sentence; what is due at a moment is told with it by the page."""
    match one.state:
        case DeliveryState.DELIVERED:
            return "Nothing more: it was taken."
        case DeliveryState.CANCELLED:
            return "Nothing more: it was ended. Resend it, and it begins anew."
        case DeliveryState.DEAD:
            return GIVEN_UP
    if standing is None:
        return "Its destination is not there any more: it is cancelled."
    if standing.destination.mode is not DestinationMode.ACTIVE:
        until = "resumed" if standing.destination.mode is DestinationMode.PAUSED else "enabled"
        return KEPT.format(word=standing.destination.mode.value, until=until)
    if standing.state.health in (Health.GONE, Health.GIVEN_UP):
        return KEPT.format(word=standing.word.replace("_", " "), until="enabled")
    if standing.state.health in (Health.OPEN, Health.SLOWED):
        return "Its destination rests for a while, and it is tried after that."
    return "It is tried by itself."


async def resend(request: Request, services: Services) -> Response:
    """Try it again now."""
    return _back((await services.outgoing.resend.one(*_asked(request))).id, "resent")


async def cancel(request: Request, services: Services) -> Response:
    """End it."""
    return _back((await services.outgoing.resend.cancel(*_asked(request))).id, "cancelled")


def _asked(request: Request) -> tuple[str, str]:
    return str(request.path_params["id"]), visitor_of(request).name


def _back(delivery_id: str, done: str) -> Response:
    return RedirectResponse(f"/outgoing/deliveries/{delivery_id}?done={done}", 303)


PAGES: Final = (
    Page("/outgoing/deliveries/{id}", show),
    Page("/outgoing/deliveries/{id}/resend", resend, ("POST",)),
    Page("/outgoing/deliveries/{id}/cancel", cancel, ("POST",)),
)
