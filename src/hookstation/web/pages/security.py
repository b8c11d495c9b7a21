"""What every answer of the pages says to the browser, and the rules for cookies: the one place for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy (level 3): nothing inline, nothing from anywhere else, in no frame."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # none at all would have forms sent with the origin “null”
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def harden(response: Response) -> Response:
    """The answer with the headers that all pages have; one that nobody may keep unless it says otherwise."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def is_foreign(request: Request) -> bool:
    """Whether a request that changes something was started by another site's page.

    Browsers say who started it (Sec-Fetch-Site, Fetch Metadata; older ones by Origin); who is no browser says nothing,
    and has no session that could be abused.
    """
    if request.method in SAFE_METHODS:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")


def cookie_name(request: Request, name: str) -> str:
    """The name a cookie goes by: over HTTPS one that browsers take from this host only (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script reads, that no other site's request carries, and that HTTPS keeps to itself."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=seconds,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def get_cookie(request: Request, name: str) -> str:
    """A cookie's value; empty where there is none."""
    return request.cookies.get(cookie_name(request, name), "")
