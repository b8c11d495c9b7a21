"""Everything that is not the lane: programs go to the API, and whoever reads goes to the pages."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from hookstation.web.api import build_api
from hookstation.web.browsers import outer_scheme
from hookstation.web.pages import build_pages
from hookstation.web.services import Services

API: Final = "/api"
OF_PROGRAMS: Final = frozenset({API, "/healthz", "/readyz", "/metrics"})


class Rest:
    """Dispatches by path."""

    def __init__(self, services: Services) -> None:
        self._base_url = services.base_url
        self._api: ASGIApp = build_api(services)
        self._pages: ASGIApp = build_pages(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path: str = scope.get("path", "")
        for_programs = path in OF_PROGRAMS or path.startswith(API + "/")
        seen = {**scope, "scheme": outer_scheme(scope, self._base_url)}
        await (self._api if for_programs else self._pages)(seen, receive, send)
