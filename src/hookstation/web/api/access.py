"""Who may use the API: a bearer key, or the control channel's own."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.api import problems
from hookstation.web.services import Services

BEARER: Final = "bearer "
BY_COMMAND: Final = "a command on the station's machine"
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="hookstation"'}


async def refuse(request: Request, services: Services) -> Response | None:
    """``None`` where the request carries a key that may do everything, else the answer that refuses it."""
    given = request.headers.get("authorization", "")
    if not given.lower().startswith(BEARER):
        return problems.answer(
            401,
            "Who are you?",
            "Send Authorization: Bearer with an API key (hookstation keys add NAME --role administrator makes one).",
            headers=CHALLENGE,
        )
    key = given[len(BEARER) :].strip()
    if by_control(request, services):
        request.state.caller = BY_COMMAND
        return None
    known = await services.keys.find(key)
    if known is None:
        return problems.answer(401, "Unknown key", "This API key is not known here.", headers=CHALLENGE)
    request.state.caller = f"the API key “{known.name}”"
    return None


def caller(request: Request) -> str:
    """Who asks, in words for the journal and the log."""
    return str(request.state.caller)


def by_control(request: Request, services: Services) -> bool:
    """Whether the request came over the control channel: from somebody who may read the data folder."""
    key = request.headers.get("authorization", "")[len(BEARER) :].strip()
    return bool(services.control_key) and hmac.compare_digest(key.encode(), services.control_key.encode())


def proof(control_key: str, place: str, nonce: str) -> str:
    """What only who knows the control key and holds the folder `place` can answer to a fresh `nonce`: hexadecimal.

    A command asks for it before it sends the key or anything else: a stranger may have the port by now.
    """
    asked = f"hookstation control\0{place}\0{nonce}".encode()
    return hmac.digest(control_key.encode(), asked, "sha256").hex()


def from_loopback(request: Request) -> bool:
    """Whether the caller is on this machine."""
    host = request.client.host if request.client else ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
