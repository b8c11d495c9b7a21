"""Who may use the API: a bearer key, the control channel's own, or a page's script with its session and token."""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act, may
from hookstation.web import forgery, visitors
from hookstation.web.api import problems
from hookstation.web.browsers import is_forwarded
from hookstation.web.services import Services

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="hookstation"'}


async def refuse(request: Request, services: Services, act: Act) -> Response | None:
    """``None`` where the request comes from somebody who may do `act`, else the answer that refuses it."""
    visitor = await visitors.find_visitor(request, services)
    if visitor is None:
        return _unknown(request)
    request.state.visitor = visitor
    token = request.headers.get(forgery.HEADER, "")
    if not visitors.is_ours(request, visitor, services, token):
        detail = (
            "A session counts only with the header X-CSRF-Token, from the page's meta element csrf-token."
        )
        return problems.answer(403, "Not from this page", detail)
    if not may(visitor.role, act):
        return problems.answer(403, "Not for this role", f"The role {visitor.role} does not allow this.")
    return None


def _unknown(request: Request) -> Response:
    if visitors.bearer(request):
        return problems.answer(401, "Unknown key", "This API key is not known here.", headers=CHALLENGE)
    return problems.answer(
        401,
        "Who are you?",
        "Send Authorization: Bearer with an API key (hookstation keys add NAME --role administrator makes one).",
        headers=CHALLENGE,
    )


def caller(request: Request) -> str:
    """Who asks, in words for the journal and the log."""
    visitor = request.state.visitor
    assert isinstance(visitor, visitors.Visitor)
    return visitor.name


def administers(request: Request) -> bool:
    """Whether who asks may do in others' names what they alone are asked."""
    visitor = request.state.visitor
    assert isinstance(visitor, visitors.Visitor)
    return may(visitor.role, Act.ADMINISTER)


def by_control(request: Request, services: Services) -> bool:
    """Whether the request came over the control channel: from somebody who may read the data folder."""
    return visitors.is_control(visitors.bearer(request), services)


def from_loopback(request: Request) -> bool:
    """Whether the caller is on this machine, and is no proxy there that passes on what others ask."""
    if is_forwarded(request.scope["headers"]):
        return False
    host = request.client.host if request.client else ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
