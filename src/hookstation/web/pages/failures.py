"""The pages that say what went wrong, and what to do."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.return_path import HOME, return_path
from hookstation.errors import (
    BodyRefused,
    Conflict,
    HookstationError,
    Invalid,
    NotFound,
    StoreUnavailable,
    TryLater,
)
from hookstation.web.api import problems
from hookstation.web.api.access import CHALLENGE
from hookstation.web.browsers import SAFE_METHODS
from hookstation.web.pages.rendering import page

NOWHERE: Final = "There is no page at this address. The navigation shows what there is."
FORBIDDEN: Final = "Your role does not allow this. An administrator can do it, or give you another role."
STALE: Final = (
    "This form is too old, or the browser keeps no cookies for this station: nothing was changed. Go back, load the "
    "page anew and do it again."
)
FOREIGN: Final = "This change was asked for by another site's page, so it was not made. Do it from here."
BROKEN: Final = (
    "That is our mistake, not yours. The station's log has a line with this number, which says more."
)


async def unknown(request: Request) -> Response:
    """Nobody we know: to the sign-in page, and from there back. A program is told what it needs."""
    back = urlencode({"back": return_path(_wanted(request))})
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": f"/sign-in?{back}", **CHALLENGE})
    if "authorization" in request.headers or "text/html" not in request.headers.get("accept", ""):
        return problems.answer(401, "Who are you?", "Sign in, or send a key of the API.", headers=CHALLENGE)
    return RedirectResponse(f"/sign-in?{back}", 303)


def _wanted(request: Request) -> str:
    """The page that is to be seen after signing in: where a change was asked for, the one that it was asked on."""
    shown = request.headers.get("hx-current-url", "")
    if not shown and request.method not in SAFE_METHODS:
        shown = request.headers.get("referer", "/")
    try:
        asked = urlsplit(shown) if shown else request.url
    except ValueError:
        return HOME
    return f"{asked.path}?{asked.query}" if asked.query else asked.path


async def forbidden(request: Request) -> Response:
    """Somebody we know, who may not do this."""
    return await _page(request, 403, "Not for your role", FORBIDDEN)


async def stale(request: Request) -> Response:
    """The form does not go with the session."""
    return await _page(request, 403, "Not done", STALE)


async def foreign(request: Request) -> Response:
    """Another site's page wanted to change something."""
    return await _page(request, 403, "Not from here", FOREIGN)


async def missing(request: Request, error: HTTPException) -> Response:
    """There is no such page."""
    if error.status_code == 404:
        return await _page(request, 404, "Not found", NOWHERE)
    answer = await _page(
        request, error.status_code, error.detail, "This page cannot do what was asked of it."
    )
    answer.headers.update(error.headers or {})
    return answer


async def told(request: Request, failure: HookstationError) -> Response:
    """One of our errors, which says itself what to do."""
    match failure:
        case Invalid():
            found = [f"{problem.pointer.strip('/')}: {problem.message}" for problem in failure.problems]
            return await _page(request, 422, "That cannot be shown", "", problems=found)
        case NotFound():
            return await _page(request, 404, "Not found", failure.message)
        case Conflict():
            return await _page(request, 409, "That is not possible now", failure.message)
        case BodyRefused():
            return await _page(request, failure.status, "That cannot be read", failure.reason)
        case TryLater():
            answer = await _page(request, 429, "Too often", failure.message)
            answer.headers["Retry-After"] = str(failure.seconds)
            return answer
        case StoreUnavailable():
            answer = await _page(request, 503, "The database is not available", failure.message)
            answer.headers["Retry-After"] = "2"
            return answer
    return await _page(request, 500, "That failed", failure.message)


async def broken(request: Request, number: str) -> Response:
    """A mistake of ours. `number` stands in the log too."""
    return await _page(request, 500, "Something broke", BROKEN, number=number)


async def _page(
    request: Request,
    status: int,
    title: str,
    detail: str,
    *,
    number: str = "",
    problems: list[str] | None = None,
) -> Response:
    shown = {"title": title, "detail": detail, "number": number, "problems": problems or [], "status": status}
    return await page(request, "failure.html", shown, status)
