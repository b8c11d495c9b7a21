"""Who may see the pages: the one place that decides it, before any page is looked for.

A request is let in with a key of the API, or from this machine where the station serves nobody else
(`Services.open_on_loopback`).  A session of somebody who signed in belongs here too, as a further way to be let in.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from hookstation.web.api import access
from hookstation.web.services import Services

FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that a proxy adds: with one of them the caller is not who holds the connection."""


async def is_let_in(request: Request, services: Services) -> bool:
    """Whether the request may see pages."""
    if "authorization" in request.headers:
        return await access.refuse(request, services) is None
    return services.open_on_loopback and is_from_this_machine(request)


def is_from_this_machine(request: Request) -> bool:
    """Whether a browser on this machine asks, for an address of this machine, with nobody between.

    The name that is asked for counts too: another site's name may have been made to lead here (DNS rebinding).
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    return access.from_loopback(request) and is_loopback_name(request.headers.get("host", ""))


def is_loopback_name(host: str) -> bool:
    """Whether this ``host:port`` names this machine itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
