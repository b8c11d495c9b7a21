"""Signing in and out, the first administrator, and setting a password by a link. All work without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.people import SHORTEST_PASSWORD, Act
from hookstation.core.return_path import HOME, return_path
from hookstation.engine.people import PASSWORD, SETUP
from hookstation.errors import AuthenticationFailed, Conflict, HookstationError, Invalid, TryLater
from hookstation.ports.people import User
from hookstation.web.browsers import get_cookie, set_cookie
from hookstation.web.pages.access import begin_visit, visitor_of
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services
from hookstation.web.visitors import SESSION, Visitor, browser

WRONG: Final = "E-mail address or password is wrong."


async def show_sign_in(request: Request, services: Services) -> Response:
    """The form; who is signed in is sent on."""
    back = return_path(request.query_params.get("back", ""))
    if isinstance(request.state.visitor, Visitor):
        return RedirectResponse(back, 303)
    return await _sign_in_form(request, services, {"back": back})


async def sign_in(request: Request, services: Services) -> Response:
    """Open a session, and go back to where one was."""
    form = await read_form(request)
    back, email = return_path(form.one("back")), form.one("email")
    before = get_cookie(request, SESSION)
    try:
        token = await services.sign_in.sign_in(email, form.one("password"), browser(request), before)
    except (AuthenticationFailed, TryLater) as failure:
        status = 429 if isinstance(failure, TryLater) else 403
        message = failure.message if isinstance(failure, TryLater) else WRONG
        answer = await _sign_in_form(
            request, services, {"back": back, "email": email, "wrong": message}, status
        )
        if isinstance(failure, TryLater):
            answer.headers["Retry-After"] = str(failure.seconds)
        return answer
    return give_session(request, RedirectResponse(back, 303), token, services)


async def _sign_in_form(
    request: Request, services: Services, known: Mapping[str, str], status: int = 200
) -> Response:
    begin_visit(request)
    shown = {"email": "", "wrong": "", "nobody": not await services.users.list(), **known}
    return await page(request, "people/sign_in.html", shown, status)


async def sign_out(request: Request, services: Services) -> Response:
    """End the session."""
    signed = visitor_of(request).signed
    if signed is not None:
        await services.sign_in.sign_out(signed)
    response = RedirectResponse("/sign-in", 303)
    set_cookie(request, response, SESSION, "", 0, "lax")
    return response


async def show_setup(request: Request, services: Services) -> Response:
    """The form that makes the first administrator."""
    if not await services.users.is_offered(request.path_params["token"]):
        return await _over(request)
    return await _setup_form(request, {})


async def set_up(request: Request, services: Services) -> Response:
    """Make the first administrator, who is then signed in."""
    form = await read_form(request)
    email, password = form.one("email"), form.one("password")
    try:
        user = await services.users.set_up(request.path_params["token"], email, password)
    except Conflict:
        return await _over(request)
    except (Invalid, TryLater) as failure:
        return await _setup_form(request, {"email": email, **_errors(failure)}, _status(failure))
    return await _come_in(request, services, user)


async def _setup_form(request: Request, known: Mapping[str, str], status: int = 200) -> Response:
    begin_visit(request)
    return await page(request, "people/setup.html", {**_EMPTY, **known}, status)


async def show_set_password(request: Request, services: Services) -> Response:
    """The form that sets the password of who got the link."""
    try:
        user = await services.users.invited(request.path_params["token"])
    except Conflict:
        return await _over(request)
    return await _password_form(request, user, {})


async def set_password(request: Request, services: Services) -> Response:
    """Set the password of who got the link, who is then signed in."""
    token: str = request.path_params["token"]
    try:
        user = await services.users.invited(token)
        changed = await services.users.set_password(token, (await read_form(request)).one("password"))
    except Conflict:
        return await _over(request)
    except (Invalid, TryLater) as failure:
        return await _password_form(request, user, _errors(failure), _status(failure))
    return await _come_in(request, services, changed)


async def _password_form(
    request: Request, user: User, known: Mapping[str, str], status: int = 200
) -> Response:
    begin_visit(request)
    return await page(request, "people/password.html", {**_EMPTY, "email": user.email, **known}, status)


async def _come_in(request: Request, services: Services, user: User) -> Response:
    token = await services.sign_in.open(user, browser(request), get_cookie(request, SESSION))
    return give_session(request, RedirectResponse(HOME, 303), token, services)


def give_session(request: Request, response: Response, token: str, services: Services) -> Response:
    """The answer with the cookie of a session."""
    set_cookie(request, response, SESSION, token, services.sign_in.lifetime.seconds, "lax")
    return response


async def _over(request: Request) -> Response:
    return await page(request, "people/over.html", {}, 404)


def _errors(failure: HookstationError) -> dict[str, str]:
    """What was wrong, by field."""
    if not isinstance(failure, Invalid):
        return {"wrong": failure.message}
    return {f"{problem.path[0]}_error": _sentence(problem.message) for problem in failure.problems}


def _sentence(message: str) -> str:
    return message[0].upper() + message[1:]


def _status(failure: HookstationError) -> int:
    return 429 if isinstance(failure, TryLater) else 422


_EMPTY: Final = {
    "email": "",
    "email_error": "",
    "password_error": "",
    "wrong": "",
    "shortest": str(SHORTEST_PASSWORD),
}

PAGES: Final = (
    Page("/sign-in", show_sign_in, is_open=True),
    Page("/sign-in", sign_in, ("POST",), is_open=True),
    Page("/sign-out", sign_out, ("POST",), act=Act.SEE),
    Page(SETUP + "{token}", show_setup, is_open=True),
    Page(SETUP + "{token}", set_up, ("POST",), is_open=True),
    Page(PASSWORD + "{token}", show_set_password, is_open=True),
    Page(PASSWORD + "{token}", set_password, ("POST",), is_open=True),
)
