"""What is done with a webhook as a whole: switched on and off, put away, made anew from, deleted."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import WebhookState
from hookstation.core.naming import slug
from hookstation.engine.switching import read_state
from hookstation.errors import Conflict
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services


async def set_state(request: Request, services: Services) -> Response:
    """Another state, at once."""
    name: str = request.path_params["name"]
    form = await read_form(request)
    await services.switching.set_state(name, read_state(form.one("state")), visitor_of(request).name)
    return RedirectResponse(f"/webhooks/{name}" if form.one("back") == "page" else "/webhooks", 303)


async def duplicate(request: Request, services: Services) -> Response:
    """A draft like this webhook, under a new name, without its secrets and switched off."""
    name: str = request.path_params["name"]
    drafts = services.changing.drafts
    taken = {*services.board.stored.webhooks, *(one.webhook for one in await drafts.list())}
    new = slug(f"{name}-copy", taken)
    document = drafts.duplicate(name, new)
    title = str(document.get("title") or name)
    copy = {**document, "title": f"{title} (copy)", "state": WebhookState.ACTIVE.value}
    await drafts.save(new, copy, 0, visitor_of(request).name, f"like {name}")
    return RedirectResponse(f"/webhooks/{new}/edit/general", 303)


async def delete(request: Request, services: Services) -> Response:
    """Take it away; its name was typed."""
    name: str = request.path_params["name"]
    check_typed(await read_form(request), name)
    await services.configurator.delete("webhook", name)
    return RedirectResponse(f"/webhooks?done={quote(name, safe='')}", 303)


async def rotate(request: Request, services: Services) -> Response:
    """A new URL; the old one is dead at once, so that its name was typed, too."""
    name: str = request.path_params["name"]
    if name not in services.board.stored.webhooks:
        raise Conflict(f"The webhook “{name}” has no URL yet: publish it first.")
    check_typed(await read_form(request), name)
    await services.configurator.rotate(name)
    return RedirectResponse(f"/webhooks/{name}?done=rotated", 303)


PAGES: Final = (
    Page("/webhooks/{name}/state", set_state, ("POST",)),
    Page("/webhooks/{name}/duplicate", duplicate, ("POST",)),
    Page("/webhooks/{name}/delete", delete, ("POST",)),
    Page("/webhooks/{name}/rotate", rotate, ("POST",)),
)
