"""Who may see a page, and whether a change was meant: the one place that decides both, before any view is asked.

A page asks `visitor_of` who it is.  A view that changes something is only reached with a token that goes with the
visitor's secret: in the field ``csrf``, which `rendering` puts into every form by itself, or in the header
``X-CSRF-Token`` for scripts, who find it in the page's ``<meta name="csrf-token">``.
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import may
from hookstation.web import forgery
from hookstation.web.browsers import SAFE_METHODS, get_cookie, is_foreign, set_cookie
from hookstation.web.pages import failures
from hookstation.web.pages.forms import LARGEST, LARGEST_OUTSIDE, read_form
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services
from hookstation.web.visitors import Visitor, find_visitor

VISIT: Final = "visit"
"""The cookie of who is not signed in, for the forms by which one signs in."""

VISIT_SECONDS: Final = 24 * 3_600


async def refuse(page: Page, request: Request, services: Services) -> Response | None:
    """``None`` where the request may reach the page's view, else the answer that refuses it."""
    visitor = request.state.visitor = await find_visitor(request, services)
    if not page.is_open:
        if visitor is None:
            return await failures.unknown(request)
        if not may(visitor.role, page.act_of(request.method)):
            return await failures.forbidden(request)
    request.state.secret = visitor.secret if visitor else get_cookie(request, VISIT)
    if request.method in SAFE_METHODS:
        return None
    if is_foreign(request, services.base_url):
        return await failures.foreign(request)
    if visitor is not None and visitor.signed is None:
        return None
    return None if await _is_meant(request, visitor) else await failures.stale(request)


async def _is_meant(request: Request, visitor: Visitor | None) -> bool:
    token = request.headers.get(forgery.HEADER, "")
    if not token:
        form = await read_form(request, LARGEST if visitor else LARGEST_OUTSIDE)
        token = form.one(forgery.FIELD)
    secret: str = request.state.secret
    return forgery.goes_with(secret, token)


def begin_visit(request: Request) -> None:
    """See that the forms of who is not signed in have a secret that their tokens go with."""
    if not request.state.secret:
        request.state.secret = request.state.new_visit = secrets.token_urlsafe(32)


def keep_visit(request: Request, response: Response) -> Response:
    """The answer, with the cookie of a visit that begins with it."""
    secret: str = getattr(request.state, "new_visit", "")
    if secret:
        set_cookie(request, response, VISIT, secret, VISIT_SECONDS, "lax")
    return response


def visitor_of(request: Request) -> Visitor:
    """Who asks for a page that is not open to everybody."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor
