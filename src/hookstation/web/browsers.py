"""Browsers: their cookies, who started a request, and how the outside reaches us."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final, Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORWARDED: Final = (
    b"forwarded",
    b"via",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
)
"""Headers that a proxy adds."""


def outer_scheme(scope: Scope, base_url: str) -> str:
    """How the browser reaches us: a proxy may end HTTPS before us, and then the station's public URL says so.

    A browser on this machine that asks for a loopback name, with nobody between, has no HTTPS where we serve none.  No
    browser speaks HTTP/1.0, but nginx does with who is behind it, unless it is told otherwise, and hides itself.
    """
    scheme: str = scope.get("scheme", "http")
    if scheme == "https" or not base_url.startswith("https://"):
        return scheme
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    is_direct = scope.get("http_version") != "1.0" and not is_forwarded(headers)
    host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    return "http" if is_direct and is_loopback_name(host) else "https"


def is_forwarded(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a proxy says that it passed these headers on."""
    return any(name in FORWARDED for name, _ in headers)


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


def is_foreign(request: Request, base_url: str = "") -> bool:
    """Whether a request that changes something was started by another site's page.

    Browsers say who started it (Sec-Fetch-Site, Fetch Metadata; older ones by Origin); who is no browser says nothing,
    and has no session that could be abused.  A proxy may have put another name in the place of `base_url`'s.
    """
    if request.method in SAFE_METHODS:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    return origin.partition("://")[2] not in (request.headers.get("host"), urlsplit(base_url).netloc or None)


def cookie_name(request: Request, name: str) -> str:
    """The name that a cookie goes by: over HTTPS one that browsers take from this host only (RFC 6265bis, 4.1.3)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    seconds: int,
    samesite: Literal["lax", "strict"] = "strict",
) -> None:
    """Set a cookie that no script reads, and that HTTPS keeps to itself.

    A ``strict`` one comes with no request that another site began; a ``lax`` one comes with links that are followed.
    """
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite=samesite,
    )


def get_cookie(request: Request, name: str) -> str:
    """A cookie's value; empty where there is none."""
    return request.cookies.get(cookie_name(request, name), "")
