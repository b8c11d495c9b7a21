"""What is done with a destination: tested, paused, enabled, given a new secret, shared by a link, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PersonSecrets, encode_destination
from hookstation.core.outgoing.definitions import DestinationMode
from hookstation.core.values import JSON, Secret
from hookstation.engine.outgoing.portal import USUAL_SECONDS
from hookstation.engine.outgoing.rotate import USUAL_OVERLAP
from hookstation.errors import Conflict, Invalid
from hookstation.web.api import asking
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import Form, check_typed, read_form
from hookstation.web.pages.outgoing.destination import LIFETIMES, OVERLAPS, render, show_secret
from hookstation.web.pages.outgoing.saving import save
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services


async def test(request: Request, services: Services) -> Response:
    """Send a test now, and show what came back; nothing of it is kept."""
    form = await read_form(request)
    attempt = await services.outgoing.try_out.send(
        request.path_params["name"], visitor_of(request).name, form.one("subscription")
    )
    return await render(request, services, attempt)


async def set_mode(request: Request, services: Services) -> Response:
    """Pause it, resume it, or disable it."""
    name: str = request.path_params["name"]
    mode = (await read_form(request)).one("mode")
    if mode not in set(DestinationMode):
        raise Conflict(f"Choose one of {', '.join(DestinationMode)}.")
    before = encode_destination(services.outgoing.live.destination(name), PersonSecrets())
    document: dict[str, JSON] = {**before, "state": mode}
    await save(request, services, "destination", document)
    done = {DestinationMode.ACTIVE.value: "resumed", DestinationMode.PAUSED.value: "paused"}.get(
        mode, "saved"
    )
    return _back(name, done)


async def enable(request: Request, services: Services) -> Response:
    """Call it as usual again, whatever stood against it."""
    name: str = request.path_params["name"]
    await services.outgoing.destinations.enable(name, visitor_of(request).name)
    return _back(name, "enabled")


async def rotate(request: Request, services: Services) -> Response:
    """Give it a new secret; its name was typed."""
    name: str = request.path_params["name"]
    form = await read_form(request)
    check_typed(form, name)
    given = form.one("secret").strip()
    try:
        rotated = await services.outgoing.rotate.rotate(
            name,
            visitor_of(request).name,
            chosen(form, "overlap", OVERLAPS, USUAL_OVERLAP),
            Secret(given) if given else None,
        )
    except Invalid as invalid:
        said = " ".join(f"The {problem.path[-1]} {problem.message}" for problem in invalid.problems)
        return await render(request, services, problem=said)
    return await show_secret(request, services, name, rotated.secret.reveal(), rotated.until)


async def resend_failed(request: Request, services: Services) -> Response:
    """Lead to what would be sent again: all that failed since a time."""
    name: str = request.path_params["name"]
    since = (await read_form(request)).one("since")
    asking.moment_in("since", since, services.clock.now())
    asked = f"destination={quote(name)}&status=dead&since={quote(since, safe='')}"
    return RedirectResponse(f"/outgoing/deliveries/many?act=resend&{asked}", 303)


async def link(request: Request, services: Services) -> Response:
    """A link for its owner, shown this once."""
    name: str = request.path_params["name"]
    seconds = chosen(await read_form(request), "seconds", LIFETIMES, USUAL_SECONDS)
    token, until = await services.outgoing.portal.link(name, visitor_of(request).name, seconds)
    context = {
        "one": services.outgoing.live.destination(name),
        "link": f"{services.base_url}/portal/{token}",
        "until": until,
    }
    return await page(request, "outgoing/link.html", context)


async def revoke(request: Request, services: Services) -> Response:
    """End all links of its owner; its name was typed."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    await services.outgoing.portal.revoke(name, visitor_of(request).name)
    return _back(name, "revoked")


async def delete(request: Request, services: Services) -> Response:
    """Take it away; its name was typed."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    await services.configurator.delete("destination", name)
    return RedirectResponse(f"/outgoing?done={quote(name)}", 303)


def chosen(form: Form, name: str, choices: Mapping[int, str], usual: int) -> int:
    """The number that was chosen; the usual one where it is none that is offered."""
    return next((one for one in choices if str(one) == form.one(name)), usual)


def _back(name: str, done: str) -> Response:
    return RedirectResponse(f"/outgoing/destinations/{quote(name)}?done={done}", 303)


PAGES: Final = (
    Page("/outgoing/destinations/{name}/test", test, ("POST",)),
    Page("/outgoing/destinations/{name}/mode", set_mode, ("POST",)),
    Page("/outgoing/destinations/{name}/enable", enable, ("POST",)),
    Page("/outgoing/destinations/{name}/rotate", rotate, ("POST",)),
    Page("/outgoing/destinations/{name}/resend", resend_failed, ("POST",)),
    Page("/outgoing/destinations/{name}/link", link, ("POST",)),
    Page("/outgoing/destinations/{name}/revoke", revoke, ("POST",)),
    Page("/outgoing/destinations/{name}/delete", delete, ("POST",)),
)
