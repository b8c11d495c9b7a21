"""All pages as one application: who may see them, what they answer, and what is said where they fail."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hookstation.errors import HookstationError
from hookstation.web.api import problems
from hookstation.web.pages import (
    access,
    account,
    acts,
    chain,
    changes,
    connecting,
    connections,
    dashboard,
    events,
    failures,
    findings,
    fixing,
    outgoing,
    panels,
    records,
    remedying,
    replays,
    security,
    settings,
    sign_in,
    users,
    webhooks,
    wizard,
)
from hookstation.web.pages.assets import ROOT, load_bundle
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PAGES: Final = (
    *dashboard.PAGES,
    *findings.PAGES,
    *wizard.PAGES,
    *changes.PAGES,
    *acts.PAGES,
    *webhooks.PAGES,
    *events.PAGES,
    *remedying.PAGES,
    *fixing.PAGES,
    *replays.PAGES,
    *outgoing.PAGES,
    *chain.PAGES,
    *connecting.PAGES,
    *connections.PAGES,
    *records.PAGES,
    *panels.PAGES,
    *settings.PAGES,
    *account.PAGES,
    *sign_in.PAGES,
    *users.PAGES,
)

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def build_pages(services: Services) -> ASGIApp:
    """Everything that is neither the lane nor the API."""
    routes = [Route(one.path, _endpoint(one, services), methods=[*one.methods]) for one in PAGES]
    routes.append(Route(ROOT + "{name}", _static(), methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error})
    app.router.redirect_slashes = False  # it would send on to whatever host the caller named
    return app


def _endpoint(one: Page, services: Services) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return security.harden(await _answer(one, request, services))

    return endpoint


async def _answer(one: Page, request: Request, services: Services) -> Response:
    try:
        refusal = await access.refuse(one, request, services)
        if refusal is not None:
            return refusal
        return access.keep_visit(request, await one.view(request, services))
    except HookstationError as failure:
        return await failures.told(request, failure)
    except HTTPException:
        raise
    except Exception:
        number = secrets.token_hex(5)
        log.exception("a page failed, error %s: %s %s", number, request.method, one.path)
        return await failures.broken(request, number)


def _static() -> Endpoint:
    bundle = load_bundle()

    async def endpoint(request: Request) -> Response:
        return security.harden(await bundle.serve(request))

    return endpoint


async def _http_error(request: Request, error: Exception) -> Response:
    """No page is there, or it cannot do that: a page for who reads pages, a problem document for programs."""
    assert isinstance(error, HTTPException)
    if "text/html" not in request.headers.get("accept", ""):
        headers = dict(error.headers) if error.headers else None
        return problems.answer(error.status_code, error.detail, error.detail, headers=headers)
    return security.harden(await failures.missing(request, error))
