"""The portal: what the owner of one destination sees and does by a link, without signing in.

Nothing of the station but this destination is shown here: no other one, no configuration, no secret but a new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.outgoing.definitions import NoSigning
from hookstation.core.outgoing.values import DeliveryState
from hookstation.core.outgoing.verify_help import how_to_verify
from hookstation.core.throttle import OF_ADDRESS, neighbourhood
from hookstation.engine.gates import Gate, Gates
from hookstation.engine.outgoing.dispatches import masked_url
from hookstation.engine.outgoing.portal import Guest
from hookstation.engine.outgoing.rotate import USUAL_OVERLAP
from hookstation.errors import Conflict, Invalid, NotFound, TryLater
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.api.asking import moment_in
from hookstation.web.pages.access import begin_visit
from hookstation.web.pages.forms import LARGEST_OUTSIDE, check_typed, read_form
from hookstation.web.pages.outgoing.attempts import tried
from hookstation.web.pages.outgoing.destination import OVERLAPS, SINCE, USUAL, rotating
from hookstation.web.pages.outgoing.destination_acts import chosen
from hookstation.web.pages.outgoing.words import TROUBLES
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services
from hookstation.web.visitors import browser

PER_PAGE: Final = 25
STATES: Final = {"": "all", "dead": "given up", "waiting": "on their way", "delivered": "delivered"}
"""The states that a guest may ask for, each with its words."""

GuestView: TypeAlias = Callable[[Request, Services, Guest], Awaitable[Response]]


def _for_guests(view: GuestView) -> Callable[[Request, Services], Awaitable[Response]]:
    """The view for who comes by a link that is good; what goes wrong is told without a word of the station."""

    async def entered(request: Request, services: Services) -> Response:
        begin_visit(request)
        guest = await services.outgoing.portal.enter(request.path_params["token"])
        if guest is None:
            return await _over(request, services)
        try:
            return await view(request, services, guest)
        except (Conflict, NotFound) as failure:
            status = 404 if isinstance(failure, NotFound) else 409
            context = {"detail": failure.message, "home": _home(request), "guest": guest}
            return await page(request, "portal/failure.html", context, status)
        except Invalid as invalid:
            said = " ".join(f"{'.'.join(map(str, one.path))} {one.message}" for one in invalid.problems)
            context = {"detail": said, "home": _home(request), "guest": guest}
            return await page(request, "portal/failure.html", context, 422)

    return entered


async def _over(request: Request, services: Services) -> Response:
    """No link that is good; who tries many is made to wait."""
    gate = Gate(f"portal {neighbourhood(browser(request).address)}", OF_ADDRESS)
    try:
        await Gates(services.store, services.clock).enter([gate])
    except TryLater as later:
        answer = await page(request, "portal/over.html", {"seconds": later.seconds}, 429)
        answer.headers["Retry-After"] = str(later.seconds)
        return answer
    return await page(request, "portal/over.html", {"seconds": 0}, 404)


@_for_guests
async def show(request: Request, services: Services, guest: Guest) -> Response:
    """How the destination stands, its deliveries, and what its receiver needs to verify them."""
    guests, asked = services.outgoing.guests, request.query_params
    standing = await guests.standing(guest)
    state = asked.get("status", "") if asked.get("status", "") in STATES else ""
    which = DeliveryFilter(states=frozenset({DeliveryState(state)}) if state else frozenset())
    found = await guests.deliveries(guest, which, PER_PAGE, asked.get("after", ""))
    signing = standing.destination.signing
    context = {
        **_common(request, services, guest),
        "standing": standing,
        "signed": not isinstance(signing, NoSigning),
        "rotating": rotating(guest.destination, services),
        "bars": await guests.chart(guest, USUAL),
        "deliveries": found.items,
        "next": found.next,
        "state": state,
        "troubles": TROUBLES,
        "states": STATES,
        "after": asked.get("after", ""),
        "snippets": how_to_verify(signing),
        "overlaps": OVERLAPS,
        "since": SINCE,
        "resent": asked.get("resent", ""),
        "more": asked.get("more", ""),
    }
    return await page(request, "portal/show.html", context)


@_for_guests
async def show_delivery(request: Request, services: Services, guest: Guest) -> Response:
    """One delivery with its attempts."""
    seen = await services.outgoing.guests.show(guest, request.path_params["id"])
    context = {
        **_common(request, services, guest),
        "one": seen.delivery,
        "attempts": [tried(one, guest=True) for one in reversed(seen.attempts)],
        "resent": request.query_params.get("resent", ""),
    }
    return await page(request, "portal/delivery.html", context)


@_for_guests
async def resend(request: Request, services: Services, guest: Guest) -> Response:
    """Send one again."""
    delivery_id: str = request.path_params["id"]
    await services.outgoing.guests.resend(guest, delivery_id)
    return RedirectResponse(f"{_home(request)}/deliveries/{delivery_id}?resent=1", 303)


@_for_guests
async def resend_failed(request: Request, services: Services, guest: Guest) -> Response:
    """Send all again that failed since a time."""
    form = await read_form(request, LARGEST_OUTSIDE)
    since = form.one("since") if form.one("since") in SINCE else "24h"
    at = moment_in("since", since, services.clock.now())
    done = await services.outgoing.guests.resend_failed(guest, at, form.one("after"))
    query = urlencode({"resent": str(done.count), **({"more": done.next} if done.next else {})})
    return RedirectResponse(f"{_home(request)}?{query}", 303)


@_for_guests
async def rotate(request: Request, services: Services, guest: Guest) -> Response:
    """A new secret, shown this once; the name was typed."""
    form = await read_form(request, LARGEST_OUTSIDE)
    check_typed(form, guest.destination)
    overlap = chosen(form, "overlap", OVERLAPS, USUAL_OVERLAP)
    rotated = await services.outgoing.guests.rotate(guest, overlap)
    signing = services.outgoing.live.destination(guest.destination).signing
    context = {
        **_common(request, services, guest),
        "secret": rotated.secret.reveal(),
        "until": rotated.until,
        "snippets": how_to_verify(signing, shown=True),
    }
    return await page(request, "portal/secret.html", context)


def _common(request: Request, services: Services, guest: Guest) -> dict[str, object]:
    destination = services.outgoing.live.destination(guest.destination)
    return {
        "guest": guest,
        "home": _home(request),
        "name": destination.name,
        "title": destination.title or destination.name,
        "url": masked_url(destination.url),
    }


def _home(request: Request) -> str:
    return f"/portal/{request.path_params['token']}"


PAGES: Final = (
    Page("/portal/{token}", show, is_open=True),
    Page("/portal/{token}/deliveries/{id}", show_delivery, is_open=True),
    Page("/portal/{token}/deliveries/{id}/resend", resend, ("POST",), is_open=True),
    Page("/portal/{token}/resend", resend_failed, ("POST",), is_open=True),
    Page("/portal/{token}/rotate", rotate, ("POST",), is_open=True),
)
