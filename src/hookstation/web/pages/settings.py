"""What holds for the whole station: its address, its nodes, its keys; and how the pages look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.people import Act, Role
from hookstation.errors import Conflict, Invalid, Problem
from hookstation.web.browsers import set_cookie
from hookstation.web.pages.forms import check_typed, read_form
from hookstation.web.pages.rendering import THEME, THEMES, page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

YEAR: Final = 365 * 86_400


async def show(request: Request, services: Services) -> Response:
    """What there is to say of the station."""
    return await _show(request, services)


async def _show(
    request: Request, services: Services, more: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    context = {
        "key_name": "",
        "key_error": "",
        "made": "",
        "made_name": "",
        "roles": [*Role],
        "base_url": services.base_url,
        "nodes": await services.store.nodes(),
        "keys": sorted(await services.keys.list(), key=lambda key: key.created_at, reverse=True),
        "revision": services.board.stored.revision,
        "noted_lost": services.store.noted_lost,
        "settings": services.settings,
        **(more or {}),
    }
    return await page(request, "settings.html", context, status)


async def add_key(request: Request, services: Services) -> Response:
    """Make a key of the API, and show it this once."""
    form = await read_form(request)
    name = form.one("name").strip()
    try:
        key = await services.keys.add(name, form.one("role"))
    except Invalid as invalid:
        problem = invalid.problems[0]
        wrong = f"{problem.message[0].upper()}{problem.message[1:]}"
        return await _show(request, services, {"key_name": name, "key_error": wrong}, 422)
    except Conflict as taken:
        return await _show(request, services, {"key_name": name, "key_error": taken.message}, 409)
    return await _show(request, services, {"made": key, "made_name": name})


async def revoke_key(request: Request, services: Services) -> Response:
    """Revoke a key, whose name was typed."""
    form = await read_form(request)
    name = form.one("key")
    check_typed(form, name)
    await services.keys.revoke(name)
    return RedirectResponse("/settings#keys", 303)


async def choose_look(request: Request, _services: Services) -> Response:
    """Light, dark, or as the machine is set; kept in a cookie."""
    chosen = request.query_params.get("theme", "")
    if chosen not in THEMES:
        raise Invalid([Problem(("theme",), f"must be one of {', '.join(THEMES)}.")])
    referrer = urlsplit(request.headers.get("referer", ""))
    back = f"{referrer.path or '/'}{'?' + referrer.query if referrer.query else ''}"
    response = RedirectResponse(f"/{back.lstrip('/')}", 303)
    set_cookie(request, response, THEME, chosen, YEAR)
    return response


PAGES: Final = (
    Page("/settings", show),
    Page("/settings/look", choose_look, ("POST",)),
    Page("/settings/keys", add_key, ("POST",), act=Act.ADMINISTER),
    Page("/settings/keys/revoke", revoke_key, ("POST",), act=Act.ADMINISTER),
)
