"""One's own account: password, and the browsers in which one is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.people import SHORTEST_PASSWORD, Act
from hookstation.engine.sign_in import SignedIn
from hookstation.errors import Conflict, Invalid, TryLater
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.pages.sign_in import give_session
from hookstation.web.services import Services
from hookstation.web.visitors import browser

HERE: Final = "/account"


def _who(request: Request) -> SignedIn:
    """Who is signed in. Raises `Conflict` for a program with a key, which has no account."""
    signed = visitor_of(request).signed
    if signed is None:
        raise Conflict("A key of the API has no account: sign in to see yours.")
    return signed


async def show(request: Request, services: Services) -> Response:
    """The account."""
    return await _account(request, services, {})


async def change_password(request: Request, services: Services) -> Response:
    """Set another password; one stays signed in here, and nowhere else."""
    form, who = await read_form(request), _who(request)
    try:
        token = await services.sign_in.change_password(
            who, form.one("current"), form.one("password"), browser(request)
        )
    except Invalid as invalid:
        errors = {
            f"{one.path[0]}_error": one.message[0].upper() + one.message[1:] for one in invalid.problems
        }
        return await _account(request, services, errors, 422)
    except TryLater as later:
        answer = await _account(request, services, {"current_error": later.message}, 429)
        answer.headers["Retry-After"] = str(later.seconds)
        return answer
    return give_session(request, RedirectResponse(f"{HERE}?changed=password", 303), token, services)


async def end_session(request: Request, services: Services) -> Response:
    """End one session of one's own."""
    await services.sign_in.end(_who(request).user.account, (await read_form(request)).one("session"))
    return RedirectResponse(HERE, 303)


async def end_others(request: Request, services: Services) -> Response:
    """End all sessions of one's own but this one."""
    who = _who(request)
    await services.sign_in.end_all(who.user.account, but=who.session.digest)
    return RedirectResponse(HERE, 303)


async def _account(
    request: Request, services: Services, errors: Mapping[str, str], status: int = 200
) -> Response:
    who = _who(request)
    shown = {
        "user": who.user,
        "here_now": who.session.digest,
        "sessions": await services.sign_in.sessions_of(who.user.account),
        "shortest": str(SHORTEST_PASSWORD),
        "changed": request.query_params.get("changed", ""),
        "current_error": "",
        "password_error": "",
        **errors,
    }
    return await page(request, "people/account.html", shown, status)


PAGES: Final = (
    Page(HERE, show, act=Act.SEE),
    Page(f"{HERE}/password", change_password, ("POST",), act=Act.SEE),
    Page(f"{HERE}/sessions/end", end_session, ("POST",), act=Act.SEE),
    Page(f"{HERE}/sessions/end-others", end_others, ("POST",), act=Act.SEE),
)
