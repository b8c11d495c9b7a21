"""Who may sign in: letting people in, and keeping them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.people import Act, Role
from hookstation.engine.people import Invitation
from hookstation.errors import Conflict, Invalid, Problem
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

HERE: Final = "/users"


async def list_users(request: Request, services: Services) -> Response:
    """All users."""
    return await _list(request, services)


async def add_user(request: Request, services: Services) -> Response:
    """Let somebody in. The answer itself shows the link: it is told this once, so there is nothing to go on to."""
    email = (await read_form(request)).one("email")
    try:
        made = await services.users.add(email, Role.ADMINISTRATOR)
    except (Invalid, Conflict) as failure:
        problems = failure.problems if isinstance(failure, Invalid) else [Problem((), failure.message)]
        error = " ".join(problem.message[0].upper() + problem.message[1:] for problem in problems)
        return await _list(request, services, {"email": email, "email_error": error}, 422)
    return await _show_link(request, services, made)


async def reset_user(request: Request, services: Services) -> Response:
    """Make a link to set a new password, which the answer shows."""
    return await _show_link(request, services, await services.users.reset(request.path_params["email"]))


async def _show_link(request: Request, services: Services, made: Invitation) -> Response:
    shown = {"link": services.base_url + made.path, "link_of": made.user.email, "link_until": made.until}
    return await _list(request, services, shown)


async def disable_user(request: Request, services: Services) -> Response:
    """Keep somebody out."""
    await services.users.change(request.path_params["email"], disabled=True)
    return RedirectResponse(HERE, 303)


async def enable_user(request: Request, services: Services) -> Response:
    """Let somebody in again."""
    await services.users.change(request.path_params["email"], disabled=False)
    return RedirectResponse(HERE, 303)


async def remove_user(request: Request, services: Services) -> Response:
    """Forget somebody, whose name was typed."""
    email: str = request.path_params["email"]
    if (await read_form(request)).one("typed") != email:
        raise Invalid([Problem(("typed",), f"must be {email}; nobody was removed.")])
    await services.users.remove(email)
    return RedirectResponse(HERE, 303)


async def _list(
    request: Request, services: Services, known: Mapping[str, object] | None = None, status: int = 200
) -> Response:
    shown = {
        "users": await services.users.list(),
        "me": visitor_of(request).name,
        "email": "",
        "email_error": "",
        "link": "",
        "link_of": "",
        "link_until": 0,
        **(known or {}),
    }
    return await page(request, "people/users.html", shown, status)


PAGES: Final = (
    Page(HERE, list_users, act=Act.ADMINISTER),
    Page(HERE, add_user, ("POST",), act=Act.ADMINISTER),
    Page(HERE + "/{email}/reset", reset_user, ("POST",), act=Act.ADMINISTER),
    Page(HERE + "/{email}/disable", disable_user, ("POST",), act=Act.ADMINISTER),
    Page(HERE + "/{email}/enable", enable_user, ("POST",), act=Act.ADMINISTER),
    Page(HERE + "/{email}/remove", remove_user, ("POST",), act=Act.ADMINISTER),
)
