"""What holds for the whole station: its address, its nodes, its keys; and how the pages look."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.errors import Invalid, Problem
from hookstation.web.browsers import set_cookie
from hookstation.web.pages.rendering import THEME, THEMES, page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

YEAR: Final = 365 * 86_400


async def show(request: Request, services: Services) -> Response:
    """What there is to say of the station."""
    context = {
        "base_url": services.base_url,
        "nodes": await services.store.nodes(),
        "keys": sorted(await services.keys.list(), key=lambda key: key.created_at, reverse=True),
        "revision": services.board.stored.revision,
        "noted_lost": services.store.noted_lost,
    }
    return await page(request, "settings.html", context)


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


PAGES: Final = (Page("/settings", show), Page("/settings/look", choose_look, ("POST",)))
