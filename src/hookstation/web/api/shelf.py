"""What the shelves of the API share: all that is configured is made, changed and deleted alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents import PLURALS
from hookstation.core.values import JSON, Secret, kind_of
from hookstation.engine.plans import Saving
from hookstation.errors import Conflict, Invalid, Problem
from hookstation.web.api import access, asking
from hookstation.web.services import Services

SHOWN_ONLY: Final = {
    "webhook": ("url", "path", "created_at", "updated_at"),
    "destination": ("health", "waiting", "more_waiting", "made_secret", "problem"),
    "workflow": ("version", "runs", "step_count", "problem"),
    "schedule": ("words", "next", "last", "said", "standing", "problem"),
    "poll": ("position", "standing", "last", "due_at", "at_work", "problem"),
    "transfer": ("workflow", "standing", "last", "problem"),
}
"""Members that the station gives, by kind; a document that is sent back may still have them."""


def page(names: list[str], request: Request) -> tuple[list[str], str]:
    """The names that the request asks for, and the ``after`` of the next page."""
    after, most = request.query_params.get("after", ""), asking.limit(request)
    rest = [name for name in names if name > after]
    return rest[:most], rest[most - 1] if len(rest) > most else ""


async def thing(request: Request) -> dict[str, JSON]:
    """The document of one thing. Raises `BodyRefused` and `Invalid`."""
    body = await asking.document(request)
    if not isinstance(body, dict):
        raise Invalid([Problem((), f"must be an object, but is {kind_of(body)}.")])
    return body


async def make(body: dict[str, JSON], services: Services, kind: str, by: str) -> str:
    """Make one thing under a name that is free, and return the name. Raises `Conflict` and `Invalid`."""
    check_free(body, services, kind)
    await apply_one(services, kind, body, by)
    return str(body["name"])


def check_free(body: dict[str, JSON], services: Services, kind: str) -> None:
    """Raises `Conflict` where the name of the thing is taken."""
    name = body.get("name")
    taken = services.board.documents(kind)
    if isinstance(name, str) and name in taken:
        raise Conflict(f"There is a {kind} “{name}” already; change it with PUT.")


async def put(request: Request, services: Services, kind: str) -> str:
    """Make or change the thing that the address names, and return the name. Raises `Conflict` and `Invalid`."""
    body = await named_thing(request)
    await apply_one(services, kind, body, access.caller(request))
    return str(body["name"])


async def named_thing(request: Request) -> dict[str, JSON]:
    """The document of the thing that the address names. Raises `BodyRefused` and `Invalid`."""
    name: str = request.path_params["name"]
    body = await thing(request)
    if body.setdefault("name", name) != name:
        raise Invalid([Problem(("name",), f"is not the name in the address, “{name}”.")])
    return body


async def delete(request: Request, services: Services, kind: str) -> Response:
    """Delete the thing that the address names. Raises `Conflict` and `NotFound`."""
    await services.configurator.delete(kind, request.path_params["name"])
    return Response(status_code=204)


async def apply_one(
    services: Services, kind: str, body: dict[str, JSON], by: str, saving: Saving | None = None
) -> Mapping[str, Secret]:
    """Apply a document with one thing; problems are told as seen from that thing. `saving`: more than who does it.

    Returns the secrets that were made for it, by name.  Raises `Conflict` and `Invalid`.
    """
    try:
        document: JSON = {"version": 1, PLURALS[kind]: [as_sent(body, kind)]}
        planned = await services.configurator.apply(document, saving=saving or Saving(by))
    except Invalid as invalid:
        raise Invalid([_from_inside(problem, kind) for problem in invalid.problems]) from invalid
    return planned.made


def as_sent(body: dict[str, JSON], kind: str) -> dict[str, JSON]:
    """The document without what the station shows besides."""
    return {name: value for name, value in body.items() if name not in SHOWN_ONLY.get(kind, ())}


def _from_inside(problem: Problem, kind: str) -> Problem:
    if problem.path[:2] == (PLURALS[kind], 0):
        return Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return problem
