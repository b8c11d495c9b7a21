"""Operations on who may sign in. No password ever passes here: whoever needs one gets a link to set it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.agents import browser_name
from hookstation.core.people import Act, Role
from hookstation.core.values import JSON
from hookstation.engine.people import Invitation
from hookstation.engine.runs import moment
from hookstation.ports.people import Session, User
from hookstation.web.api import asking
from hookstation.web.api.routes import Operation, listed, reply
from hookstation.web.services import Services


async def list_users(_request: Request, services: Services) -> Response:
    """Who may sign in, by e-mail address."""
    return listed([_user(one) for one in await services.users.list()])


async def add_user(request: Request, services: Services) -> Response:
    """Let somebody in; the link by which the password is set is shown this once."""
    body = await asking.fields(request, "email", "role")
    role = asking.member(body, "role", str, Role.ADMINISTRATOR.value)
    added = await services.users.add(asking.member(body, "email", str, ""), role)
    return reply(_invitation(added, services), 201)


async def show_user(request: Request, services: Services) -> Response:
    """One user."""
    return reply(_user(await services.users.get(request.path_params["email"])))


async def change_user(request: Request, services: Services) -> Response:
    """Give another role, disable or enable."""
    body = await asking.fields(request, "role", "disabled")
    role = asking.member(body, "role", str, "") if "role" in body else None
    disabled = asking.member(body, "disabled", bool, False) if "disabled" in body else None
    return reply(
        _user(await services.users.change(request.path_params["email"], role=role, disabled=disabled))
    )


async def remove_user(request: Request, services: Services) -> Response:
    """Forget a user, whose sessions end."""
    await services.users.remove(request.path_params["email"])
    return Response(status_code=204)


async def reset_user(request: Request, services: Services) -> Response:
    """Make a link by which a user sets a new password; it is shown this once."""
    await asking.fields(request)
    return reply(_invitation(await services.users.reset(request.path_params["email"]), services))


async def list_sessions(request: Request, services: Services) -> Response:
    """Where a user is signed in, the newest first."""
    user = await services.users.get(request.path_params["email"])
    return listed([_session(one) for one in await services.sign_in.sessions_of(user.account)])


async def end_sessions(request: Request, services: Services) -> Response:
    """Sign a user out everywhere."""
    user = await services.users.get(request.path_params["email"])
    await services.sign_in.end_all(user.account)
    return Response(status_code=204)


async def end_session(request: Request, services: Services) -> Response:
    """Sign a user out of one browser."""
    user = await services.users.get(request.path_params["email"])
    await services.sign_in.end(user.account, request.path_params["session"])
    return Response(status_code=204)


def _user(one: User) -> dict[str, JSON]:
    return {
        "email": one.email,
        "role": one.role,
        "disabled": one.disabled,
        "has_password": bool(one.password),
        "created_at": moment(one.created_at),
        "changed_at": moment(one.changed_at),
    }


def _invitation(one: Invitation, services: Services) -> dict[str, JSON]:
    return {**_user(one.user), "link": services.base_url + one.path, "link_until": moment(one.until)}


def _session(one: Session) -> dict[str, JSON]:
    return {
        "id": one.digest,
        "address": one.address,
        "agent": one.agent,
        "browser": browser_name(one.agent),
        "opened_at": moment(one.opened_at),
        "seen_at": moment(one.seen_at),
        "until": moment(one.until),
    }


_ONE: Final = "/users/{email}"

OPERATIONS: Final = (
    Operation("GET", "/users", list_users, "List users", "Users", act=Act.ADMINISTER),
    Operation(
        "POST", "/users", add_user, "Add a user", "NewUser", "UserRequest", 201,
        refusals=(400, 409, 422), act=Act.ADMINISTER,
    ),
    Operation("GET", _ONE, show_user, "Show a user", "User", refusals=(404,), act=Act.ADMINISTER),
    Operation(
        "PATCH", _ONE, change_user, "Change a user's role, disable or enable", "User", "UserChange",
        refusals=(400, 404, 409, 422), act=Act.ADMINISTER,
    ),
    Operation(
        "DELETE", _ONE, remove_user, "Remove a user", "", status=204, refusals=(404, 409), act=Act.ADMINISTER
    ),
    Operation(
        "POST", f"{_ONE}/reset", reset_user, "Make a link to set a new password", "NewUser",
        refusals=(400, 404, 409, 422), act=Act.ADMINISTER,
    ),
    Operation(
        "GET", f"{_ONE}/sessions", list_sessions, "List where a user is signed in", "Sessions",
        refusals=(404,), act=Act.ADMINISTER,
    ),
    Operation(
        "DELETE", f"{_ONE}/sessions", end_sessions, "Sign a user out everywhere", "", status=204,
        refusals=(404,), act=Act.ADMINISTER,
    ),
    Operation(
        "DELETE", _ONE + "/sessions/{session}", end_session, "Sign a user out of one browser", "",
        status=204, refusals=(404,), act=Act.ADMINISTER,
    ),
)  # fmt: skip
