"""The pages that say what went wrong, and what to do."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hookstation.errors import Conflict, HookstationError, Invalid, NotFound, StoreUnavailable
from hookstation.web.pages.rendering import page

NOWHERE: Final = "There is no page at this address. The navigation shows what there is."
CLOSED: Final = (
    "Until people can sign in, the pages are open on the station's own machine only, and only where the station "
    "listens on a loopback address and no proxy stands before it. Open them there, or send a key of the API."
)
FOREIGN: Final = "This change was asked for by another site's page, so it was not made. Do it from here."
BROKEN: Final = (
    "That is our mistake, not yours. The station's log has a line with this number, which says more."
)


async def closed(request: Request) -> Response:
    """Nobody who may see pages."""
    return await _page(request, 403, "The pages are closed here", CLOSED)


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
