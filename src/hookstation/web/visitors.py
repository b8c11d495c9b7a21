"""Who asks: the one place that finds it out, for pages and the API."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from hookstation.core.people import Role
from hookstation.engine.sign_in import Browser, SignedIn
from hookstation.web import forgery
from hookstation.web.browsers import get_cookie, is_foreign
from hookstation.web.services import Services

BEARER: Final = "bearer "
SESSION: Final = "session"
"""The cookie with a session's token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, with a role for `core.people.may`.

    Who signed in has `signed`, and `secret`, which the tokens of forms go with; programs have neither.
    """

    name: str
    role: str
    signed: SignedIn | None = None
    secret: str = field(default="", repr=False)


async def find_visitor(request: Request, services: Services) -> Visitor | None:
    """Who asks; ``None`` where it is nobody we know. A key that is sent counts alone, right or wrong."""
    if "authorization" in request.headers:
        return await _by_key(bearer(request), services)
    token = get_cookie(request, SESSION)
    signed = await services.sign_in.find(token)
    return Visitor(signed.user.email, signed.user.role, signed, token) if signed else None


async def _by_key(key: str, services: Services) -> Visitor | None:
    if is_control(key, services):
        return Visitor("the station's own machine", Role.ADMINISTRATOR)
    known = await services.keys.find(key) if key else None
    return Visitor(known.name, known.role) if known else None


def bearer(request: Request) -> str:
    """The key that a request carries (RFC 6750, 2.1); empty where it has none."""
    given = request.headers.get("authorization", "")
    return given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""


def is_control(key: str, services: Services) -> bool:
    """Whether this is the key of the control channel: of somebody who may read the data folder."""
    return bool(services.control_key) and hmac.compare_digest(key.encode(), services.control_key.encode())


def is_ours(request: Request, visitor: Visitor, services: Services, token: str) -> bool:
    """Whether the request of this visitor was meant: a browser sends its cookie with what other sites begin, too."""
    if visitor.signed is None:
        return True
    return not is_foreign(request, services.base_url) and forgery.goes_with(visitor.secret, token)


def browser(request: Request) -> Browser:
    """From where it is asked."""
    address = request.client.host if request.client else ""
    return Browser(address, request.headers.get("user-agent", ""))
